"""Weight initialisers: how far the first weights spread.

Nearly all famous schemes are one sentence, `variance_scaling`: the standard deviation is gain/√n, and the schemes
differ in the gain and in what n counts. Each registered scheme only says how wide it spreads; `sample` draws.
"""

from gradflow.engine.initializers.draw import TRUNCATED_STD, sample, sample_bias
from gradflow.engine.initializers.schemes import (
    constant,
    gain_normal,
    gain_uniform,
    he_normal,
    he_uniform,
    identity,
    lecun_normal,
    lecun_uniform,
    lsuv,
    normal,
    orthogonal,
    saved,
    sparse,
    standard_uniform,
    truncated_normal,
    uniform,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from gradflow.engine.initializers.spread import (
    INITIALIZERS,
    Distribution,
    Fans,
    Mode,
    Scheme,
    Spread,
    initializer,
    rectifier_gain,
    variance_scaling,
)

__all__ = [
    "INITIALIZERS",
    "TRUNCATED_STD",
    "Distribution",
    "Fans",
    "Mode",
    "Scheme",
    "Spread",
    "constant",
    "gain_normal",
    "gain_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "initializer",
    "lecun_normal",
    "lecun_uniform",
    "lsuv",
    "normal",
    "orthogonal",
    "rectifier_gain",
    "sample",
    "sample_bias",
    "saved",
    "sparse",
    "standard_uniform",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
