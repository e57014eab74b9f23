"""The registered schemes: each says in a line how wide the first weights of a layer spread."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradflow.engine.initializers.draw import TRUNCATED_STD
from gradflow.engine.initializers.spread import Fans, Spread, initializer, rectifier_gain, variance_scaling


@initializer("zeros", "Zeros")
def zeros(fans: Fans) -> Spread:
    """W = 0.

    All units of a layer stay equal and no gradient passes below the output layer: nothing is learnt.
    """
    return Spread("constant", 0.0, 0.0)


@initializer("constant", "Constant")
def constant(fans: Fans) -> Spread:
    """W = 1, times the init scale.

    All units of a layer compute the same and receive the same gradient: symmetry is never broken.
    """
    return Spread("constant", 0.0, 1.0)


@initializer("identity", "Identity (Dirac)")
def identity(fans: Fans) -> Spread:
    """W = 1 from input i to output i, 0 elsewhere; in a convolution at the centre of the kernel (PyTorch's dirac_).

    A layer hands its input on unchanged, times the init scale. Units stay apart as far as their inputs differ; those
    beyond the number of inputs start at 0. For very deep linear or ReLU stacks (recurrent: Le, Jaitly & Hinton 2015).
    """
    return Spread("identity", 0.0, 1.0)


@initializer("normal", "Normal N(0, 1)")
def normal(fans: Fans) -> Spread:
    """W ~ N(0, 1), times the init scale: the scale is σ itself.

    Blind to the width, so the signal grows by about σ√n per layer.
    """
    return Spread("normal", 1.0, 1.0)


@initializer("truncated-normal", "Truncated normal N(0, 1), |W| ≤ 2")
def truncated_normal(fans: Fans) -> Spread:
    """W ~ N(0, 1) without what lies beyond ±2, times the init scale; the cut leaves σ = 0.8796….

    TensorFlow's truncated_normal, PyTorch's trunc_normal_. No single large weight; blind to the width, like the
    normal scheme. The σ shown is the true one, not that of the whole bell.
    """
    return Spread("truncated-normal", TRUNCATED_STD, TRUNCATED_STD)


@initializer("uniform", "Uniform U(−1, 1)")
def uniform(fans: Fans) -> Spread:
    """W ~ U(−1, 1), times the init scale; σ = 1/√3.

    Blind to the width, like the normal scheme.
    """
    return Spread("uniform", 1.0 / np.sqrt(3.0), 1.0 / np.sqrt(3.0))


@initializer("standard-uniform", "Standard U(±1/√n)")
def standard_uniform(fans: Fans) -> Spread:
    """W ~ U(−1/√n, 1/√n), σ = 1/√(3n) with n = inputs.

    The "standard" of Glorot & Bengio 2010 (eq. 1), and the default of PyTorch's nn.Linear. Too small at depth:
    n·Var W = 1/3.
    """
    return variance_scaling(1.0 / np.sqrt(3.0), fans.fan_in, "uniform")


@initializer("lecun-normal", "LeCun normal")
def lecun_normal(fans: Fans) -> Spread:
    """W ~ N(0, σ²), σ = 1/√n.

    Keeps the variance of a linear layer (LeCun et al. 1998, Efficient BackProp).
    """
    return variance_scaling(1.0, fans.n, "normal")


@initializer("lecun-uniform", "LeCun uniform")
def lecun_uniform(fans: Fans) -> Spread:
    """W ~ U(±√(3/n)), σ = 1/√n (LeCun et al. 1998)."""
    return variance_scaling(1.0, fans.n, "uniform")


@initializer("xavier-normal", "Xavier normal")
def xavier_normal(fans: Fans) -> Spread:
    """W ~ N(0, σ²), σ = √(2/(inputs + outputs)).

    The compromise between keeping the variance of activations and of gradients (Glorot & Bengio 2010, eq. 12).
    """
    return variance_scaling(1.0, fans.fan_avg, "normal")


@initializer("xavier-uniform", "Xavier uniform")
def xavier_uniform(fans: Fans) -> Spread:
    """W ~ U(±√(6/(inputs + outputs))), the same σ as Xavier normal (Glorot & Bengio 2010, eq. 16)."""
    return variance_scaling(1.0, fans.fan_avg, "uniform")


@initializer("he-normal", "He normal")
def he_normal(fans: Fans) -> Spread:
    """W ~ N(0, σ²), σ = √(2/((1+α²)·n)), α = the negative slope of a leaky ReLU, else 0.

    Keeps the variance through rectifiers (He et al. 2015, eqs. 10, 14, 15; "Kaiming" in PyTorch).
    """
    return variance_scaling(rectifier_gain(fans.negative_slope), fans.n, "normal")


@initializer("he-uniform", "He uniform")
def he_uniform(fans: Fans) -> Spread:
    """W ~ U(±√3·σ) with He's σ = √(2/((1+α²)·n)) (He et al. 2015)."""
    return variance_scaling(rectifier_gain(fans.negative_slope), fans.n, "uniform")


@initializer("gain-normal", "Normal with φ's gain")
def gain_normal(fans: Fans) -> Spread:
    """W ~ N(0, σ²), σ = gain(φ)/√n: PyTorch's gain (ReLU √2, tanh 5/3, SELU 3/4), else 1/√E φ².

    One recipe for every activation; for the rectifiers it is He normal.
    """
    return variance_scaling(fans.gain, fans.n, "normal")


@initializer("gain-uniform", "Uniform with φ's gain")
def gain_uniform(fans: Fans) -> Spread:
    """W ~ U(±√3·σ), σ = gain(φ)/√n with the gains of the normal form.

    One recipe for every activation; for the rectifiers it is He uniform.
    """
    return variance_scaling(fans.gain, fans.n, "uniform")


@initializer("orthogonal", "Orthogonal")
def orthogonal(fans: Fans) -> Spread:
    """W semi-orthogonal: WᵀW = 1, or WWᵀ = 1 where outputs exceed inputs; σ = 1/√n with n the larger of the two.

    Every direction passes with the same length, so that learning a deep linear network does not slow down with
    depth (Saxe et al. 2013). Uniform among all such matrices; for a ReLU take √2 as the init scale.
    """
    return variance_scaling(1.0, max(fans.shape), "orthogonal")


@initializer("sparse", "Sparse (15 per unit)")
def sparse(fans: Fans) -> Spread:
    """15 incoming weights per unit (or all) from N(0, 1/15), the others 0; over all weights σ = 1/√n, n = inputs.

    Units differ in what they look at, and the input does not grow with the width (Martens 2010, who draws from
    N(0, 1): an init scale of √15 = 3.87).
    """
    return variance_scaling(1.0, fans.fan_in, "sparse")


@initializer("lsuv", "LSUV (by the data)")
def lsuv(fans: Fans) -> Spread:
    """Orthogonal, then layer by layer W ← W/√Var z on up to 512 training samples, until |Var z − 1| < 0.1.

    Unit variance whatever the activation, the norm or the skips do (Mishkin & Matas 2016, "All you need is a good
    init"). The σ shown is that before the data have spoken, and the init scale is applied afterwards.
    """
    return replace(orthogonal(fans), data_driven=True)


@initializer("saved", "From a saved run")
def saved(fans: Fans) -> Spread:
    """W and b as a saved run left them: nothing is drawn, and σ is whatever they have.

    To look on, to train on, or to compare two ways of training from the very same start.
    """
    return Spread("saved", float("nan"), float("nan"))
