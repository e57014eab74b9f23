"""What the papers predict of deep random networks: signal, gradient and spectra from formulas.

Everything rests on the Gaussian averages of an activation (`moments`; by formula in `closed_forms` and `thresholds`,
else by `averages`, with `quadrature` and `hermite` underneath). On them stand, for layers that are alike, where lengths
settle (`lengths`), phases and depth scales (`maps`), critical initialisations (`critical`), normalised layers (`norms`)
and blocks (`residual`); for layers of any kind, one sample with its band (`recursion`, `scatter`), quickly by `tables`,
a whole batch (`steps`, `propagation`) with the networks around its mean (`random_steps`, `random_networks`), and images
(`image_steps`).
"""
