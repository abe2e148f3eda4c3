"""Small scenes of numbers among all that paper holds, with exact truth: what the finder is trained on.

A scene is a grey image of 256x256 pixels. Where the photo or scan that it shows is smaller, the rest is filled as
:func:`~digitwise.maps.padded_with` fills the rim of an image that is read. In the order of making: ``background``,
``kinds`` of what is on it (``writing`` and ``clutter``, all laid on a ``canvas``), the ``photo`` of it.
"""

from digitwise.synthetic.scenes.canvas import IGNORED, MOST, SCENE
from digitwise.synthetic.scenes.scene import KINDS, Scene, scene_of

__all__ = ["IGNORED", "KINDS", "MOST", "SCENE", "Scene", "scene_of"]
