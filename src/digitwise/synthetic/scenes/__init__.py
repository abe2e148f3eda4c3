"""Small scenes of numbers among other things on paper, with exact truth: the finder's training images.

A scene is a grey image of 256x256 pixels. Where its photo or scan is smaller, the rest is filled as
:func:`~digitwise.maps.padded_with` fills the border of an image to read. In the order of making: the paper of a
``canvas``, one of the ``kinds`` of content (``writing`` and ``clutter``), its ``photo``.
"""

from digitwise.synthetic.scenes.canvas import IGNORED, MOST, SCENE
from digitwise.synthetic.scenes.scene import KINDS, Scene, scene_of

__all__ = ["IGNORED", "KINDS", "MOST", "SCENE", "Scene", "scene_of"]
