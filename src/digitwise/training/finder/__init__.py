"""Training the finder on made scenes.

``python -m digitwise.training.finder`` composes scenes on all cores, shows each several times, shaken anew, compares
the network's output with its targets (``objective``), and writes its weights. ``--resume`` continues an interrupted
training; ``--start`` starts from the weights of another.

The bundled ``reading/finder.onnx`` was trained in three parts on the first 50,000 training digits, with Keras 3.15.1:

1. ``--steps 29900 --batch 64 --repeats 4 --dtype mixed_bfloat16 --jobs 15 --seed 0``, in 535 s on one NVIDIA H200 with
   15 processes composing, on JAX. Scenes had no dates, rings, doodles and writers of small zeros yet, and fewer drawn
   forms of each digit.
2. ``--start`` from there on scenes nearly as they are now: ``--seconds 4500 --batch 32 --repeats 3 --rate 8e-4 --dtype
   mixed_bfloat16 --jobs 2 --seed 3``, 2,500 steps on two cores of an Intel Xeon with AMX, on TensorFlow.
3. ``--start`` from the ONNX file of the second part, on scenes as they are now: ``--seconds 520 --batch 64 --repeats 0
   --rate 1.5e-3 --dtype mixed_bfloat16 --jobs 15 --seed 5``, 61,500 steps in 520 s on one NVIDIA H100, on JAX. Its 15
   processes composed; a scene was repeated while the next ones were in the making.

``--steps`` gives the same course of training on any machine, up to rounding; with ``--seconds`` the number of steps
depends on how fast it is.

References
----------
X. Zhou, D. Wang, P. Krähenbühl, Objects as Points (2019), arXiv:1904.07850.
"""
