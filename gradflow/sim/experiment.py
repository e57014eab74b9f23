"""What an experiment is, field by field: the single source for the file, the form, the command line and the tooltips.

`Experiment` and its parts are frozen. Each field is declared once, with its bounds, its title and its explanation.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.nodes import NORMS
from gradflow.sim.datasets import DATASETS
from gradflow.sim.fields import declare
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.training import ALL, Training

NONE = "none"


@dataclass(frozen=True)
class Data:
    """Where the samples come from."""

    name: str = declare("digits", "Data set", "The samples to learn from.", choices=DATASETS)
    samples: int | str = declare(
        ALL,
        "Samples",
        "How many samples: drawn anew for a toy set (all = 500), kept of a real one (all = every sample).",
        1,
        100_000,
        words=(ALL,),
    )
    noise: float = declare(
        0.1,
        "Noise",
        "Standard deviation of the Gaussian noise added to a toy set, in the units of its coordinates. "
        "Real sets have their own.",
        0.0,
        10.0,
        span=(0.0, 1.0),
    )
    validation_fraction: float = declare(
        0.2,
        "Validation part",
        "Share of the samples kept aside to validate on. Split class by class; the standardisation is fitted on the "
        "rest.",
        0.0,
        0.9,
        span=(0.0, 0.9),
    )
    label_noise: float = declare(
        0.0,
        "Label noise",
        "Share of the training samples whose class is replaced by another one, or whose number is dealt to another "
        "sample. The validation part keeps its own: memorising shows as a gap between the two.",
        0.0,
        1.0,
        span=(0.0, 1.0),
    )


@dataclass(frozen=True)
class NetworkShape:
    """The layers: `depth` hidden ones of `width` units, then one linear layer to the outputs."""

    depth: int = declare(
        10,
        "Depth",
        "Hidden layers. One more dense layer maps to the outputs. The gradient of layer 1 is a product of this many "
        "factors: 0.5¹⁰ ≈ 10⁻³, 0.5²⁰ ≈ 10⁻⁶.",
        1,
        5_000,
        span=(1, 200),
    )
    width: int = declare(64, "Width", "Units of each hidden layer.", 1, 8_192, span=(1, 512), log=True)
    activation: str = declare("tanh", "Activation", "The function φ after each hidden layer.", choices=ACTIVATIONS)
    negative_slope: float = declare(
        0.01,
        "Negative slope",
        "α in φ(z) = α·z for z < 0 of the leaky ReLU; where PReLU starts. He's gain becomes √(2/(1+α²)).",
        0.0,
        1.0,
        span=(0.0, 1.0),
    )
    norm: str = declare(
        NONE,
        "Norm",
        "Normalises the signal of every hidden layer between z and φ (in front of φ in a pre-activation layer).",
        choices=NORMS,
        words=(NONE,),
    )
    dropout: float = declare(
        0.0,
        "Dropout",
        "Share of the units left out at random after each hidden layer while training (Srivastava et al. 2014).",
        0.0,
        0.99,
        span=(0.0, 0.9),
    )
    skip_every: int = declare(
        0,
        "Skip every",
        "Skip connections (He et al. 2016): from layer 1 on, every block of this many layers adds its input to its "
        "output, so that the gradient has a path around it. 0 = none.",
        0,
        5_000,
        span=(0, 10),
    )
    residual: str = declare(
        "after-activation",
        "Residual",
        "Where a block's sum stands: after φ (y = x + φ(z)), before φ as in He et al. 2016 (y = φ(x + z)), or with "
        "norm and φ in front of each layer, so that the sum stays untouched (pre-activation, He et al. 2016b).",
        names=("after-activation", "post-activation", "pre-activation"),
    )
    branch_scale: float = declare(
        1.0,
        "Branch scale",
        "α in y = x + α·branch. Below 1 a deep residual network starts out nearer to the identity: 1/√depth keeps the "
        "gradient, 0 makes every block the identity (the idea of Fixup, Zhang et al. 2019).",
        0.0,
        10.0,
        span=(0.0, 2.0),
    )
    layers: tuple[LayerRow, ...] = declare(
        (),
        "Layer list",
        "The hidden layers one by one, instead of depth and width: dense layers, convolutions and pooling, each with "
        "its own units, activation, norm, dropout, skip and initialisation. The linear output layer is added.",
        rows=LayerRow,
    )


@dataclass(frozen=True)
class Init:
    """How the first weights are drawn."""

    scheme: str = declare("xavier-normal", "Init scheme", "How the weights are drawn.", choices=INITIALIZERS)
    scale: float = declare(
        1.0,
        "Init scale",
        "Factor on every first weight. Each layer multiplies the gradient by about scale · σ√n · √E φ′²: below 1 it "
        "vanishes with depth, above 1 it explodes.",
        1e-6,
        1e6,
        span=(0.01, 100.0),
        log=True,
    )
    mode: str = declare(
        "fan_in",
        "Fan",
        "What n counts in LeCun's, He's and the gain schemes: the inputs of a layer (keeps the activations' variance), "
        "its outputs (keeps the gradients'), or their mean.",
        names=("fan_in", "fan_out", "fan_avg"),
    )
    bias_scale: float = declare(
        0.0, "Bias scale", "σ_b: biases are drawn from N(bias, σ_b²); 0 = all alike.", 0.0, 100.0, span=(0.0, 2.0)
    )
    bias: float = declare(0.0, "Bias", "The mean of the first biases.", -100.0, 100.0, span=(-2.0, 2.0))
    path: str = declare(
        "",
        "Saved run",
        "The weights.npz of a saved run (or its folder) for the scheme saved: layers of the same shape start from its "
        "final weights, others are drawn by Xavier normal. This is transfer learning.",
        free=True,
    )


@dataclass(frozen=True)
class Experiment:
    """One experiment: with its seed it determines every number of the run."""

    format: int = declare(1, "Format", "Version of the file format.", 1, 1)
    seed: int = declare(
        0, "Seed", "Decides the data's split and noise, the first weights and the order of batches.", 0, 2**32 - 1
    )
    data: Data = Data()
    network: NetworkShape = NetworkShape()
    init: Init = Init()
    training: Training = Training()  # noqa: RUF009 - it is frozen
