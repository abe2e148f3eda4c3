"""Small scenes of numbers among all that paper holds, with exact truth: what the finder is trained on.

A scene is a grey image of 256x256 pixels. Where the photo or scan that it shows is smaller, the rest is filled as
:func:`padded_with` fills the rim of an image that is read. In the order of making: ``paper``, ``kinds`` of what is
on it (from ``hands``, ``writing``, ``rules`` and ``clutter``, all laid on a ``canvas``), how it is ``seen``, and the
``crop`` that is kept.
"""

from digitwise.maps import padded_with
from digitwise.synthetic.scenes.canvas import IGNORED, MOST, SCENE
from digitwise.synthetic.scenes.scene import KINDS, Scene, scene_of

__all__ = ["IGNORED", "KINDS", "MOST", "SCENE", "Scene", "padded_with", "scene_of"]
