"""Training the finder on made scenes.

``python -m digitwise.training.finder`` composes scenes on all cores, shows each several times, moved and lit anew
(``shaking``), holds the network against what it should say (``targets``, ``loss``), and writes its weights. One that
was cut off goes on with ``--resume``.

The bundled ``reading/finder.onnx`` was trained with ``--steps 29900 --batch 64 --repeats 4 --dtype mixed_bfloat16
--jobs 15 --seed 0`` of the first 50,000 training digits, in 535 s on one NVIDIA H200 with 15 processes composing;
Keras 3.15.1 on JAX. ``--steps`` gives the same course of training on any machine, up to rounding; with ``--seconds``
the number of steps depends on how fast it is.

References
----------
X. Zhou, D. Wang, P. Krähenbühl, Objects as Points (2019), arXiv:1904.07850.
"""
