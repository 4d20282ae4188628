"""Figures of images: what is shown of which table."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imsave

from pipeline.analysis.convergence import convergence_times
from pipeline.figures.image import feature_correlation as image_feature_correlation
from pipeline.figures.image import feature_distance_by_depth as image_feature_distance_by_depth
from pipeline.figures.image import power_spectrum as image_power_spectrum
from pipeline.figures.image import samples_by_training_step as image_samples_by_training_step
from pipeline.figures.settings import OfFeatures
from tests.unit.test_figures import STYLE

LOOKS = OfFeatures(style=STYLE, missing=[], average=0.99, encoder="some model")
STEPS, LAYERS, KERNELS = (1, 10, 100), (2, 10), ("energy", "cubic")


def row(quantity, estimate, **more):
    base = {"quantity": quantity, "estimate": estimate, "standard_error": 0.02, "count": 64}
    base |= {"among": "all"}
    bounds = {"low": None, "high": None, "status": None}
    return (
        base | bounds | {"layer": None, "kernel": None, "distance": None, "frequency": None} | more
    )


def numbers(noise, deep_noise):
    """Rows of images that are noise to the given shares."""
    rows = [row("power", noise + 1 / f, frequency=f) for f in (1, 2, 3, 4)]
    for layer, share in zip(LAYERS, (noise, deep_noise), strict=True):
        rows += [row("mmd", 3 * share, layer=layer, kernel=kernel) for kernel in KERNELS]
        rows += [row("frechet", 5 * share + 1, layer=layer)]
    for layer in (None, 2):
        for r in (0, 2, 4):
            rows += [row("feature_correlation", 1 - r / 9, distance=r, layer=layer)]
            rows += [row("correlation_ratio", 1 - noise, distance=r, layer=layer)] * (r > 0)
        length = 4 - 2 * noise - (layer is None)
        bounds = {"low": length - 0.5, "high": length, "status": "resolved", "layer": layer}
        rows += [row("equivalent_block_length", length, **bounds)]
    return rows


def measurements(networks=2):
    place = {"setting": "set_8px", "data_seed": 0, "dataset_size": "online", "average": 0.99}
    shares = zip(STEPS, (1, 0.5, 0.1), (1, 0.9, 0.2), strict=True)
    return pd.DataFrame(
        [
            {**place, "network_seed": seed, "step": step, **r}
            for step, *noise in shares
            for seed in range(networks)
            for r in numbers(*noise)
        ]
    )


def calibration():
    kinds = [("real", np.nan, 0), ("noise", np.nan, 1), ("blocks", 2.0, 0.5), ("blocks", 4.0, 0)]
    return pd.DataFrame(
        [
            {"setting": "set_8px", "control": control, "block_length": length, **r}
            for control, length, noise in kinds
            for r in numbers(noise, noise)
        ]
    )


def lines(panel, style):
    return [line for line in panel.lines if line.get_linestyle() == style]


def curves(panel):
    """Means of all error bars of a panel."""
    return [list(bars[0].get_ydata()) for bars in panel.containers]


@pytest.mark.parametrize("networks", [1, 2])
def test_correlations_are_of_the_layer_with_maps_and_lengths_of_every_network(networks):
    figure = image_feature_correlation.draw(LOOKS, measurements(networks), calibration())
    correlations, ratios, lengths, calibrated = figure.axes
    assert curves(correlations)[-1] == pytest.approx([7 / 9, 5 / 9])
    assert [curve[0] for curve in curves(ratios)] == pytest.approx([0, 0.5, 0.9, 1])
    assert curves(lengths) == [pytest.approx([2, 3, 3.8])] * networks
    pixels = [line.get_ydata() for line in lines(lengths, ":")]
    assert [list(y) for y in pixels[:-1]] == [pytest.approx([1, 2, 2.8])] * networks
    assert pixels[-1] == pytest.approx([3, 3])  # real images
    further = measurements(networks)
    of_pixels = (further["quantity"] == "equivalent_block_length") & further["layer"].isna()
    further.loc[of_pixels & (further["step"] == 100), "estimate"] = 30
    _, _, panel, _ = image_feature_correlation.draw(LOOKS, further, calibration()).axes
    assert panel.get_ylim()[1] > 30
    assert curves(calibrated) == [pytest.approx([3, 4]), pytest.approx([2, 3])]
    assert "layer 2 of some model" in figure.get_supxlabel()


def test_distances_are_relative_and_times_are_shown_for_every_fraction_and_kernel():
    frame, controls = measurements(), calibration()
    times = convergence_times(frame, controls, [0.7, 0.3, 0.15], 100)
    figure = image_feature_distance_by_depth.draw(LOOKS, frame, controls, times)
    first, frechet, *by_depth = figure.axes
    assert first.get_title() == "MMD$^2$, energy"
    for panel in (first, frechet):
        assert curves(panel) == [pytest.approx([1, 0.5, 0.1]), pytest.approx([1, 0.9, 0.2])]
    titles = [panel.get_title() for panel in by_depth]
    assert titles == ["distance below 0.7", "distance below 0.3", "distance below 0.15", ""]
    assert not by_depth[-1].axison
    shallow, deep = 10**0.6, 10 ** (1 + 2 / 7)
    means = [line for line in by_depth[0].lines if line.get_label().startswith(("MMD", "Fr"))]
    assert len(means) == 3
    for line in means:
        assert line.get_ydata() == pytest.approx([shallow, deep])
    assert "encoder: some model" in figure.get_supxlabel()
    labels = [text.get_text() for text in figure.legends[1].get_texts()]
    assert labels == ["MMD$^2$, energy", "MMD$^2$, cubic", "Fr\u00e9chet"]
    triangles = [c for c in by_depth[2].containers if c[0].get_marker() == "^"]
    assert {place for c in triangles for place in np.rint(c[0].get_xdata())} == {1}


def test_lines_join_geometric_means_of_networks_that_all_converge_within_the_checkpoints():
    curve = {"setting": "set_8px", "data_seed": 0, "dataset_size": "online", "fraction": 0.5}
    curve |= {"average": 0.99}
    times = {(0, 2): 2, (1, 2): 50, (0, 10): 8, (1, 10): 100, (0, 12): 5, (1, 12): 45}
    rows = [
        {**curve, "network_seed": seed, "layer": layer, "kernel": kernel}
        | {"quantity": "mmd" if kernel else "frechet"}
        | {"estimate": step, "low": step, "high": step}
        | {"status": "above" if step == 100 else "inside"}
        for kernel in (*KERNELS, None)
        for (seed, layer), step in times.items()
    ]
    figure = image_feature_distance_by_depth.draw(
        LOOKS, measurements(), calibration(), pd.DataFrame(rows)
    )
    [line] = [x for x in figure.axes[2].lines if x.get_label() == "MMD$^2$, energy"]
    assert line.get_ydata() == pytest.approx([10, np.nan, 15], nan_ok=True)


def test_powers_are_shown_beside_their_ratio_to_those_of_real_images():
    figure = image_power_spectrum.draw(
        LOOKS.model_copy(update={"average": None}),
        measurements().assign(average=np.nan),
        calibration(),
    )
    powers, ratios = figure.axes
    assert curves(powers)[1] == pytest.approx([1.5, 1, 0.5 + 1 / 3, 0.75])
    assert curves(ratios)[1] == pytest.approx([1.5, 2, 2.5, 3])
    assert list(lines(ratios, "--")[-1].get_ydata()) == [1] * 4
    for panel, power in ((powers, np.array([1, 1 / 2, 1 / 3, 1 / 4])), (ratios, np.ones(4))):
        [band] = panel.collections[-1].get_paths()
        error = 1.96 * 0.02 * power * np.arange(1, 5) if panel is ratios else 1.96 * 0.02
        corners = {tuple(corner) for corner in band.vertices.round(9)}
        for bound in (power - error, power + error):
            assert corners >= set(zip(range(1, 5), bound.round(9), strict=True))
    assert "raw weights" in figure.get_supxlabel()
    assert "n = 64 samples of each of 2 networks" in figure.get_supxlabel().replace("\n", " ")


def test_a_row_of_pictures_is_one_sample_in_the_order_of_training():
    def png(red, green):
        file = io.BytesIO()
        imsave(file, np.full((8, 8, 3), (red, green, 0), np.uint8), format="png")
        return file.getvalue()

    place = {"setting": "set_8px", "data_seed": 0, "dataset_size": "64", "average": 0.99}
    pictures = pd.DataFrame(
        [
            {
                **place,
                "network_seed": seed,
                "step": step,
                "sample": n,
                "png": png(n, index + 9 * seed),
            }
            for seed in (0, 1)
            for index, step in reversed([*enumerate(STEPS)])
            for n in (0, 1)
        ]
    )
    real = pd.DataFrame([{"control": "real", "sample": n, "png": png(n, 3)} for n in (0, 1, 2)])
    figure = image_samples_by_training_step.draw(LOOKS, pictures, real)
    [panel] = figure.axes
    generated = [image for image in panel.images if image.get_extent()[0] < len(STEPS)]
    assert (len(generated), len(panel.images)) == (2 * 3, 2 * 3 + 2)
    for image in generated:
        left, _, _, top = image.get_extent()
        colour = np.rint(255 * image.get_array()[0, 0, :2]).tolist()
        assert colour == [int(top), int(left)]
        assert image.get_interpolation() == "nearest"
    assert [label.get_text() for label in panel.get_xticklabels()] == ["1", "10", "100", "real"]
    assert "decay 0.99" in figure.get_supxlabel()
    figure.canvas.draw()
