"""What the papers predict of deep random networks: signal, gradient and spectra from formulas.

Everything rests on the Gaussian averages of an activation (`moments`; by formula in `closed_forms` and `thresholds`,
else by `averages`, with `quadrature` and `hermite` underneath). On them stand, for layers that are alike, where lengths
settle (`lengths`), phases (`maps`), depth scales (`depth_scales`), critical initialisations (`critical`) and spectra of
Jacobians (`spectra`, `slopes`); for layers of any kind, a whole batch in the limit of wide layers (`steps`,
`propagation`, quickly by `tables`) and images (`image_steps`), with the networks around that mean: of one sample by
formula (`finite_width`) and as random walks (`scatter`), of a batch step by step (`random_steps`, `random_networks`),
also where there is no formula for the mean.
"""
