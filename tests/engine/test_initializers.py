"""Initialisers: the spread is the formula's, the draw has that spread, and seeds decide everything."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from engine_kit import small_network

from gradflow.engine.activations import make_activation
from gradflow.engine.initializers import (
    INITIALIZERS,
    TRUNCATED_STD,
    Fans,
    Mode,
    Spread,
    rectifier_gain,
    sample,
    sample_bias,
)
from gradflow.engine.losses import LOSSES
from gradflow.engine.lsuv import rescale
from gradflow.engine.network import Init, LayerSpec, Network

Array = np.ndarray

DRAWN = [name for name in INITIALIZERS if name != "saved"]
RANDOM = [name for name in DRAWN if INITIALIZERS[name].part(Fans(5, 7)).std > 0]
drawn_ones = pytest.mark.parametrize("scheme", DRAWN)
random_ones = pytest.mark.parametrize("scheme", RANDOM)

IN, OUT = 300, 200
DENSE, WIDENING = Fans(IN, OUT), Fans(OUT, IN)
CONV = Fans(32, 200, kernel=(3, 3))
SHAPES = [DENSE, WIDENING, CONV, Fans(50, 700, kernel=(3, 2))]
of_every_shape = pytest.mark.parametrize("fans", SHAPES, ids=lambda fans: f"{fans.kernel}x{fans.inputs}x{fans.outputs}")


def spread_of(scheme: str, fans: Fans) -> Spread:
    return INITIALIZERS[scheme].part(fans)


def draw(scheme: str, fans: Fans, seed: int = 0) -> Array:
    return sample(spread_of(scheme, fans), fans, np.random.default_rng(seed))


# Fans


@pytest.mark.parametrize(("mode", "n"), [("fan_in", 18), ("fan_out", 42), ("fan_avg", 30.0)])
def test_fans_of_a_convolution_count_every_position_of_the_kernel(mode: Mode, n: float) -> None:
    fans = Fans(3, 7, mode, kernel=(3, 2))
    assert (fans.fan_in, fans.fan_out, fans.n, fans.shape) == (18, 42, n, (18, 7))


def test_fans_of_a_dense_layer_are_its_inputs_and_outputs() -> None:
    assert (DENSE.fan_in, DENSE.fan_out, DENSE.shape) == (IN, OUT, (IN, OUT))


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 3)])
def test_torch_counts_the_same_fans(kernel: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    fans = Fans(6, 10, kernel=kernel)
    weight = torch.nn.Conv2d(6, 10, kernel).weight
    assert torch.nn.init._calculate_fan_in_and_fan_out(weight) == (fans.fan_in, fans.fan_out)
    assert weight.numel() == math.prod(fans.shape)


# The announced spread

# The published formulas, written out once more and independently: σ for the two fans, the fan n that the mode
# selects, a negative slope a and φ's gain g.
SIGMA: dict[str, Callable[[float, float, float, float, float], float]] = {
    "zeros": lambda n_in, n_out, n, a, g: 0.0,
    "constant": lambda n_in, n_out, n, a, g: 0.0,
    "identity": lambda n_in, n_out, n, a, g: 0.0,
    "normal": lambda n_in, n_out, n, a, g: 1.0,
    "truncated-normal": lambda n_in, n_out, n, a, g: 0.87962566103423978,
    "uniform": lambda n_in, n_out, n, a, g: math.sqrt(1 / 3),
    "standard-uniform": lambda n_in, n_out, n, a, g: math.sqrt(1 / (3 * n_in)),
    "lecun-normal": lambda n_in, n_out, n, a, g: math.sqrt(1 / n),
    "lecun-uniform": lambda n_in, n_out, n, a, g: math.sqrt(1 / n),
    "xavier-normal": lambda n_in, n_out, n, a, g: math.sqrt(2 / (n_in + n_out)),
    "xavier-uniform": lambda n_in, n_out, n, a, g: math.sqrt(2 / (n_in + n_out)),
    "he-normal": lambda n_in, n_out, n, a, g: math.sqrt(2 / ((1 + a**2) * n)),
    "he-uniform": lambda n_in, n_out, n, a, g: math.sqrt(2 / ((1 + a**2) * n)),
    "gain-normal": lambda n_in, n_out, n, a, g: g / math.sqrt(n),
    "gain-uniform": lambda n_in, n_out, n, a, g: g / math.sqrt(n),
    "sparse": lambda n_in, n_out, n, a, g: 1 / math.sqrt(n_in),
}


@pytest.mark.parametrize("scheme", SIGMA)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("slope", [0.0, 0.5])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 5)])
def test_sigma_is_the_published_formula(scheme: str, mode: Mode, slope: float, kernel: tuple[int, int]) -> None:
    n_in, n_out, gain = IN * kernel[0] * kernel[1], OUT * kernel[0] * kernel[1], 5 / 3
    n = {"fan_in": n_in, "fan_out": n_out, "fan_avg": (n_in + n_out) / 2}[mode]
    spread = spread_of(scheme, Fans(IN, OUT, mode, slope, kernel, gain))
    assert math.isclose(spread.std, SIGMA[scheme](n_in, n_out, n, slope, gain), rel_tol=1e-14)
    assert not spread.data_driven


@drawn_ones
@of_every_shape
def test_sigma_is_gain_over_the_root_of_n(scheme: str, fans: Fans) -> None:
    spread = spread_of(scheme, fans)
    if spread.n is not None:
        assert math.isclose(spread.std, spread.gain / math.sqrt(spread.n), rel_tol=1e-14)


@pytest.mark.parametrize("scheme", ["orthogonal", "lsuv"])
@of_every_shape
def test_variance_of_an_orthogonal_matrix_is_one_over_its_larger_side(scheme: str, fans: Fans) -> None:
    assert math.isclose(spread_of(scheme, fans).std ** -2, max(fans.shape), rel_tol=1e-14)


@pytest.mark.parametrize(("channels", "std"), [(64, 0.059), (128, 0.042), (256, 0.029), (512, 0.021)])
def test_he_on_three_by_three_kernels_is_the_table_of_the_paper(channels: int, std: float) -> None:
    """He et al. 2015: the deviations for model B of VGG."""
    fans = Fans(channels, 2 * channels, kernel=(3, 3))
    assert round(spread_of("he-normal", fans).std, 3) == std
    assert draw("he-normal", fans).std() == pytest.approx(std, abs=6e-4)


@pytest.mark.parametrize("a", [0.01, 0.25, 0.5])
def test_he_gain_has_one_plus_a_squared_not_one_plus_a_all_squared(a: float) -> None:
    """He et al. 2015, eq. 15: ½(1+a²)·n·Var W = 1. At a = 0.01 the wrong formula is only 1 % off and easily missed."""
    assert math.isclose(rectifier_gain(a) ** 2 * (1 + a**2), 2.0, rel_tol=1e-14)
    assert not math.isclose(rectifier_gain(a) ** 2 * (1 + a) ** 2, 2.0, rel_tol=1e-3)
    assert math.isclose(spread_of("he-normal", Fans(50, 9, negative_slope=a)).std, math.sqrt(2 / (1 + a**2) / 50))


# The draw


def kurtosis(spread: Spread, fans: Fans) -> float:
    """Return E x⁴/σ⁴ of one weight."""
    if spread.distribution == "truncated-normal":
        # E x⁴ = 3 − 2(c³+3c)·density(c)/P(|x| < c) with c = 2.
        return (3 - 28 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))) / TRUNCATED_STD**4
    if spread.distribution == "orthogonal":
        return 3 * max(fans.shape) / (max(fans.shape) + 2)
    if spread.distribution == "sparse":
        return 3 * fans.fan_in / min(15, fans.fan_in)
    return {"normal": 3.0, "uniform": 1.8}[spread.distribution]


@drawn_ones
@of_every_shape
def test_drawn_weights_have_the_spread_that_was_announced(scheme: str, fans: Fans) -> None:
    """Mean 0, deviation σ and the shape of the distribution, within five standard errors."""
    spread, W = spread_of(scheme, fans), draw(scheme, fans)
    assert W.shape == fans.shape
    assert W.dtype == np.float64
    if spread.std == 0.0:
        assert set(np.unique(W)) <= {0.0, spread.gain}
        return
    # Var of a sample deviation is σ²(κ−1)/4n.
    shape = kurtosis(spread, fans)
    assert abs(W.mean()) <= 5 * spread.std / math.sqrt(W.size)
    assert abs(W.std() - spread.std) <= 5 * spread.std * math.sqrt((shape - 1) / (4 * W.size))
    independent = np.count_nonzero(W)
    assert (W**4).mean() / W.std() ** 4 == pytest.approx(shape, rel=5 * math.sqrt(24 / independent))


@pytest.mark.parametrize(
    ("scheme", "entries"),
    [
        ("he-normal", ["0x1.0dedba14d1d31p-4", "-0x1.1b9d4018d76f2p-4", "-0x1.eeb5cb832f462p-2"]),
        ("xavier-uniform", ["0x1.9e5283778cd5cp-3", "-0x1.5c356d70e3b9ep-2", "0x1.6ba4b0d083e17p-1"]),
    ],
)
def test_old_files_keep_their_weights_to_the_last_bit(scheme: str, entries: list[str]) -> None:
    W = draw(scheme, Fans(7, 4, negative_slope=0.2))
    assert [float(x).hex() for x in (W[0, 0], W[0, 1], W[6, 3])] == entries


BOUND: dict[str, Callable[[Fans], float]] = {
    "uniform": lambda fans: 1.0,
    "truncated-normal": lambda fans: 2.0,
    "standard-uniform": lambda fans: 1 / math.sqrt(fans.fan_in),
    "lecun-uniform": lambda fans: math.sqrt(3 / fans.fan_in),
    "xavier-uniform": lambda fans: math.sqrt(6 / (fans.fan_in + fans.fan_out)),
    "he-uniform": lambda fans: math.sqrt(6 / fans.fan_in),
    "gain-uniform": lambda fans: math.sqrt(3 / fans.fan_in),
}


@pytest.mark.parametrize("scheme", BOUND)
@of_every_shape
def test_bounded_schemes_fill_their_interval_and_stay_inside(scheme: str, fans: Fans) -> None:
    largest = np.abs(draw(scheme, fans)).max() / BOUND[scheme](fans)
    # P(none of 57 600 above 0.9995·bound) = 0.9995^57600 ≈ 3e-13; the cut bell is thinner there: 0.99 gives 1e-60.
    assert (0.99 if scheme == "truncated-normal" else 0.9995) < largest <= 1 + 1e-15


@random_ones
@of_every_shape
def test_same_seed_same_weights_and_another_seed_others(scheme: str, fans: Fans) -> None:
    one = draw(scheme, fans, 1)
    np.testing.assert_array_equal(one, draw(scheme, fans, 1))
    assert not np.array_equal(one, draw(scheme, fans, 2))


@random_ones
@pytest.mark.parametrize("fans", [Fans(4, 9), Fans(20, 12), Fans(3, 20, kernel=(3, 3))], ids=str)
def test_no_two_units_and_no_two_inputs_start_alike(scheme: str, fans: Fans) -> None:
    """Equal units would receive equal gradients and stay equal for ever: symmetry must be broken."""
    W = draw(scheme, fans)
    assert len(np.unique(W, axis=0)) == fans.fan_in
    assert len(np.unique(W, axis=1).T) == fans.outputs
    assert len(np.unique(W[W != 0.0])) == np.count_nonzero(W)


@pytest.mark.parametrize("scheme", ["zeros", "constant"])
def test_constant_schemes_say_in_their_tooltip_that_units_stay_equal(scheme: str) -> None:
    assert "All units of a layer" in INITIALIZERS[scheme].doc


def test_saved_weights_are_not_drawn() -> None:
    with pytest.raises(ValueError, match="read from the file of a saved run"):
        draw("saved", DENSE)


# Orthogonal


@pytest.mark.parametrize("scheme", ["orthogonal", "lsuv"])
@pytest.mark.parametrize(
    "fans", [Fans(9, 4), Fans(4, 9), Fans(6, 6), Fans(1, 1), Fans(5, 8, kernel=(3, 3)), Fans(2, 50, kernel=(3, 3))]
)
def test_the_shorter_side_of_an_orthogonal_matrix_is_orthonormal(scheme: str, fans: Fans) -> None:
    W = draw(scheme, fans)
    product = W.T @ W if fans.fan_in >= fans.outputs else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(fans.shape)), rtol=0, atol=1e-12)


def test_every_orthogonal_matrix_is_equally_likely() -> None:
    """QR alone fixes signs: its first entry is never positive. Haar: every entry has mean 0, half are reflections."""
    fans, rng, draws = Fans(4, 4), np.random.default_rng(0), 4000
    matrices = np.array([sample(spread_of("orthogonal", fans), fans, rng) for _ in range(draws)])
    assert np.abs(matrices.mean(axis=0)).max() < 5 * 0.5 / math.sqrt(draws)
    assert abs(np.linalg.det(matrices).mean()) < 5 / math.sqrt(draws)
    traces = np.trace(matrices, axis1=1, axis2=2)
    # Diaconis & Shahshahani 1994: E tr² = 1 and E tr⁴ = 3, hence an error of √2/√draws.
    assert abs((traces**2).mean() - 1.0) < 5 * math.sqrt(2 / draws)


# Identity


@pytest.mark.parametrize("fans", [Fans(4, 4), Fans(6, 3), Fans(3, 6)])
def test_identity_hands_on_as_many_inputs_as_there_are_outputs(fans: Fans) -> None:
    np.testing.assert_array_equal(draw("identity", fans), np.eye(*fans.shape))


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 3)])
@pytest.mark.parametrize(("channels_in", "channels_out"), [(3, 3), (2, 4), (4, 2)])
def test_dirac_convolution_hands_the_image_on(kernel: tuple[int, int], channels_in: int, channels_out: int) -> None:
    """Convolve by hand, with zeros around the image: rows of W are (kernel row, kernel column, channel)."""
    (k_h, k_w), rng = kernel, np.random.default_rng(0)
    image = rng.standard_normal((6, 7, channels_in))
    W = draw("identity", Fans(channels_in, channels_out, kernel=kernel)).reshape(k_h, k_w, channels_in, channels_out)
    padded = np.pad(image, ((k_h // 2,) * 2, (k_w // 2,) * 2, (0, 0)))
    out = np.zeros((6, 7, channels_out))
    for h, w in np.ndindex(6, 7):
        out[h, w] = np.einsum("ijc,ijco->o", padded[h : h + k_h, w : w + k_w], W)
    both = min(channels_in, channels_out)
    np.testing.assert_array_equal(out[..., :both], image[..., :both])
    assert not out[..., both:].any()


@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (5, 1)])
def test_torchs_dirac_puts_its_ones_in_the_same_places(kernel: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.init.dirac_(torch.empty(5, 3, *kernel)).numpy()
    W = draw("identity", Fans(3, 5, kernel=kernel))
    np.testing.assert_array_equal(W.reshape(*kernel, 3, 5).transpose(3, 2, 0, 1), theirs)


# Sparse


@pytest.mark.parametrize("fans", [DENSE, CONV, Fans(16, 40), Fans(15, 8), Fans(4, 30)])
def test_sparse_units_have_fifteen_inputs_of_their_own_choice(fans: Fans) -> None:
    W = draw("sparse", fans)
    connections = min(15, fans.fan_in)
    assert (np.count_nonzero(W, axis=0) == connections).all()
    weights = W[W != 0.0]
    # A deviation of n normal draws has a standard error of σ/√2n.
    assert weights.std() == pytest.approx(1 / math.sqrt(connections), rel=5 / math.sqrt(2 * weights.size))
    if fans.fan_in > 20:
        assert len(np.unique(W != 0.0, axis=1).T) == fans.outputs
        # Each input is chosen with the same chance: a binomial count around outputs·15/inputs.
        share = connections / fans.fan_in
        counts = np.count_nonzero(W, axis=1)
        assert np.abs(counts - fans.outputs * share).max() < 6 * math.sqrt(fans.outputs * share * (1 - share))


def test_torchs_sparse_leaves_as_many_weights_per_column() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.init.sparse_(torch.empty(IN, OUT), sparsity=1 - 15 / IN)
    assert (np.count_nonzero(draw("sparse", DENSE), axis=0) == np.count_nonzero(theirs.numpy(), axis=0)).all()


# PyTorch's schemes


@of_every_shape
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_torchs_schemes_have_the_same_deviations_and_bounds(fans: Fans, mode: Mode) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    init, slope = torch.nn.init, 0.25
    fans = Fans(fans.inputs, fans.outputs, mode, slope, fans.kernel, init.calculate_gain("tanh"))
    weight = torch.empty(fans.outputs, fans.inputs, *fans.kernel, dtype=torch.float64)

    def deviation_of(theirs: object, scheme: str) -> None:
        expected = spread_of(scheme, fans).std
        assert weight.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * weight.numel())), theirs
        if "uniform" in scheme:
            bound = math.sqrt(3.0) * expected
            assert 0.9995 * bound < weight.abs().max().item() <= bound * (1 + 1e-15), theirs

    deviation_of(init.xavier_normal_(weight), "xavier-normal")
    deviation_of(init.xavier_uniform_(weight), "xavier-uniform")
    deviation_of(init.kaiming_normal_(weight, a=slope, mode=mode), "he-normal")
    deviation_of(init.kaiming_uniform_(weight, a=slope, mode=mode), "he-uniform")
    deviation_of(init.kaiming_normal_(weight, mode=mode, nonlinearity="tanh"), "gain-normal")
    deviation_of(init.kaiming_uniform_(weight, mode=mode, nonlinearity="tanh"), "gain-uniform")
    deviation_of(init.kaiming_normal_(weight, mode=mode, nonlinearity="linear"), "lecun-normal")
    deviation_of(init.orthogonal_(weight), "orthogonal")
    deviation_of(init.trunc_normal_(weight), "truncated-normal")


def test_default_of_torchs_convolution_is_the_standard_uniform_scheme() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    largest = torch.nn.Conv2d(32, 200, 3, dtype=torch.float64).weight.abs().max().item()
    bound = math.sqrt(3.0) * spread_of("standard-uniform", CONV).std
    assert 0.9995 * bound < largest <= bound * (1 + 1e-15)


# Biases


def test_biases_are_a_constant_or_normal_around_it() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    np.testing.assert_array_equal(sample_bias(5, rng), np.zeros(5))
    np.testing.assert_array_equal(sample_bias(5, rng, constant=0.1), np.full(5, 0.1))
    assert rng.bit_generator.state == before, "a constant draws nothing: the weights after it stay the same"
    b = sample_bias(20_000, rng, std=0.3, constant=2.0)
    assert b.mean() == pytest.approx(2.0, abs=5 * 0.3 / math.sqrt(b.size))
    assert b.std() == pytest.approx(0.3, rel=5 / math.sqrt(2 * b.size))


def test_normal_biases_are_the_draws_of_the_generator_times_sigma() -> None:
    expected = np.random.default_rng(3).standard_normal(6) * 0.7
    np.testing.assert_array_equal(sample_bias(6, np.random.default_rng(3), std=0.7), expected)


# Layer-sequential unit variance


class Chain:
    """Square layers z = x·W + b with φ between them: just enough of a network to be rescaled."""

    class Layer:
        """Weights, biases, and z."""

        def __init__(self, W: Array) -> None:
            self.W = W
            self.b = np.zeros(W.shape[1], W.dtype)
            self.value = np.empty((0, 0))

    def __init__(
        self, phi: Callable[[Array], Array], depth: int = 8, width: int = 60, scale: float = 1.0, dtype: type = float
    ) -> None:
        rng, fans = np.random.default_rng(0), Fans(width, width)
        spread = spread_of("lsuv", fans)
        self.layers = [self.Layer((sample(spread, fans, rng) * scale).astype(dtype)) for _ in range(depth)]
        self.x, self.phi = rng.standard_normal((200, width)).astype(dtype), phi

    def forward(self) -> None:
        a = self.x
        for layer in self.layers:
            layer.value = a @ layer.W + layer.b
            a = self.phi(layer.value)

    def variances(self) -> list[float]:
        """Return Var z of each layer, after running forwards once more."""
        self.forward()
        return [float(layer.value.var(dtype=float)) for layer in self.layers]


def relu(z: Array) -> Array:
    return np.maximum(z, 0)


@pytest.mark.parametrize("phi", [np.tanh, relu], ids=["tanh", "relu"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0, 1e25])
@pytest.mark.parametrize("tolerance", [0.1, 1e-6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_lsuv_reaches_unit_variance_in_every_layer(
    phi: Callable[[Array], Array], scale: float, tolerance: float, dtype: type
) -> None:
    chain = Chain(phi, scale=scale, dtype=dtype)
    before = [layer.W.copy() for layer in chain.layers]
    factors = rescale(chain.layers, chain.forward, tolerance)
    assert max(abs(variance - 1) for variance in chain.variances()) < tolerance
    for layer, W, factor in zip(chain.layers, before, factors, strict=True):
        np.testing.assert_allclose(layer.W, W * factor, rtol=1e-12 if dtype is np.float64 else 1e-6)
        assert layer.W.dtype == dtype


def test_lsuv_done_twice_changes_nothing_more() -> None:
    chain = Chain(np.tanh)
    rescale(chain.layers, chain.forward)
    before = [layer.W.copy() for layer in chain.layers]
    assert rescale(chain.layers, chain.forward) == [1.0] * len(before)
    for layer, W in zip(chain.layers, before, strict=True):
        np.testing.assert_array_equal(layer.W, W)


def test_lsuv_finds_the_variance_that_theory_predicts() -> None:
    """n·Var W = 1/E φ(x)² for x ~ N(0, 1): 2.536 deep in a tanh network, and He's 2 behind the first ReLU."""
    tanh, rectifier = (Chain(phi, depth=6, width=300) for phi in (np.tanh, relu))
    assert np.square(rescale(tanh.layers, tanh.forward, 1e-6)[2:]) == pytest.approx(2.536, rel=0.05)
    assert rescale(rectifier.layers, rectifier.forward, 1e-6)[1] ** 2 == pytest.approx(2.0, rel=0.05)


def test_lsuv_counts_the_biases_in() -> None:
    chain = Chain(np.tanh)
    for layer in chain.layers:
        layer.b[:] = np.random.default_rng(1).standard_normal(layer.b.size) * 0.5
    before = [layer.W.copy() for layer in chain.layers]
    factors = rescale(chain.layers, chain.forward)
    assert max(abs(variance - 1) for variance in chain.variances()) < 0.1
    for layer, W, factor in zip(chain.layers, before, factors, strict=True):
        np.testing.assert_allclose(layer.W, W * factor, rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf, 1e200])
def test_lsuv_leaves_a_layer_without_a_usable_variance_alone(value: float) -> None:
    chain = Chain(np.tanh, depth=3)
    chain.layers[1].W.fill(value)
    before = chain.layers[1].W.copy()

    def forward() -> None:
        with np.errstate(all="ignore"):
            chain.forward()

    assert rescale(chain.layers, forward)[1] == 1.0
    np.testing.assert_array_equal(chain.layers[1].W, before)
    assert chain.layers[0].value.var() == pytest.approx(1.0, abs=0.1)


def test_lsuv_only_touches_the_layers_it_is_given_and_stops_in_time() -> None:
    chain = Chain(np.tanh, scale=1e-3)
    before = [layer.W.copy() for layer in chain.layers]
    runs = []
    factors = rescale(chain.layers[2:4], lambda: runs.append(chain.forward()), tolerance=0.0, iterations=3)
    assert len(factors) == 2
    assert len(runs) == 1 + 2 * 3
    for number in (0, 1, 4, 5, 6, 7):
        np.testing.assert_array_equal(chain.layers[number].W, before[number])


# In a network


@drawn_ones
@pytest.mark.parametrize("scale", [1e-6, 0.72, 3.0, 1e6])
def test_scale_multiplies_every_weight_exactly_and_no_bias(scheme: str, scale: float) -> None:
    plain, scaled = small_network(scheme=scheme), small_network(scheme=scheme, scale=scale)
    for one, other in zip(plain.layers, scaled.layers, strict=True):
        factor = 1.0 if one.spread.data_driven else scale
        np.testing.assert_array_equal(other.linear.W, one.linear.W * factor)
        np.testing.assert_array_equal(other.linear.b, one.linear.b)


def test_bias_scale_is_the_deviation_of_the_biases_and_zero_means_exactly_zero() -> None:
    wide = small_network(width=4000, skips=[None], bias_scale=0.3)
    assert wide.layers[0].linear.b.std() == pytest.approx(0.3, rel=5 / math.sqrt(8000))
    assert not small_network(bias_scale=0.0).layers[0].linear.b.any()


def test_negative_slope_reaches_the_scheme_only_through_a_leaky_rectifier() -> None:
    for name, slope in (("relu", 0.0), ("tanh", 0.0), ("leaky-relu", 0.5)):
        network = small_network(name, "he-normal", negative_slope=0.5)
        assert network.layers[1].spread.gain == rectifier_gain(slope)
        assert network.layers[-1].spread.gain == rectifier_gain(0.0), "the output layer is linear"


@random_ones
def test_deeper_network_starts_with_the_layers_of_a_shallower_one(scheme: str) -> None:
    """Dragging the depth adds layers at the end and redraws none before."""
    shallow, deep = small_network(scheme=scheme, skips=[None] * 3), small_network(scheme=scheme, skips=[None] * 8)
    for one, other in zip(shallow.layers[:-1], deep.layers, strict=False):
        np.testing.assert_array_equal(one.linear.W, other.linear.W)
        np.testing.assert_array_equal(one.linear.b, other.linear.b)


def test_fan_out_counts_the_outputs_of_each_layer() -> None:
    specs = [LayerSpec(8, make_activation("relu")), LayerSpec(2, None)]
    init = Init(INITIALIZERS["he-normal"].part, mode="fan_out")
    network = Network(3, specs, LOSSES["mean-squared-error"].part, init, np.random.default_rng(0))
    assert [layer.spread.n for layer in network.layers] == [8, 2]
