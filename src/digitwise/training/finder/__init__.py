"""Training the finder on made scenes.

``python -m digitwise.training.finder`` composes scenes on all cores, shows each several times, shaken anew, compares
the network's output with its targets (``objective``), and writes its weights. ``--resume`` continues an interrupted
training; ``--start`` starts from the weights of another.

The bundled ``reading/finder.onnx`` was trained in two parts on the first 50,000 training digits:

1. ``--steps 29900 --batch 64 --repeats 4 --dtype mixed_bfloat16 --jobs 15 --seed 0``, in 535 s on one NVIDIA H200 with
   15 processes composing; Keras 3.15.1 on JAX. Scenes had no dates, rings, doodles and writers of small zeros yet, and
   fewer drawn forms of each digit.
2. ``--start`` from there on scenes as they are now, but that doodles had closed rings among them, the smallest zeros
   were smaller still, and there were no desks and bars: ``--seconds 4500 --batch 32 --repeats 3 --rate 8e-4 --dtype
   mixed_bfloat16 --jobs 2 --seed 3``, 2,500 steps on two cores of an Intel Xeon with AMX, which did other work as well;
   Keras 3.15.1 on TensorFlow.

``--steps`` gives the same course of training on any machine, up to rounding; with ``--seconds`` the number of steps
depends on how fast it is.

References
----------
X. Zhou, D. Wang, P. Krähenbühl, Objects as Points (2019), arXiv:1904.07850.
"""
