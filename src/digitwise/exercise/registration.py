"""Registers images with the training images they were made from: by which flip, rotation, shift and zoom.

Each image is compared with all training images by a descriptor that these changes leave alone: the image on a polar
grid about its centre of mass, scaled by its radius of gyration, and of its Fourier coefficients along the angle only
the magnitudes. The nearest training images are turned to fit, as they are and mirrored, and fitted by Gauss-Newton
steps on an affine map. What fits best tells whether the image was mirrored, and how it was turned, shifted and zoomed.

References
----------
B. S. Reddy, B. N. Chatterji, "An FFT-Based Technique for Translation, Rotation, and Scale-Invariant Image
Registration", IEEE Transactions on Image Processing 5(8), 1996.
B. D. Lucas, T. Kanade, "An Iterative Image Registration Technique with an Application to Stereo Vision", IJCAI 1981.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from digitwise.images import Float32, Float64, Int64, Mask, UInt8

ANGLES = 48
RADII = np.linspace(0.2, 2.2, 11, dtype=np.float32)  # in radii of gyration
FREQUENCIES = 9
BLUR = 0.7  # pixels: evens out how pixels were interpolated
BLOCK = 5_000  # images at a time
CANDIDATES = 60  # training images that are turned to fit
STARTS = 4  # of those, as they are and as many mirrored, that are fitted
STEPS = 12
ALIKE = 0.97  # correlation with the training image from which on it counts as the source
LARGE_TURN = 1.5  # a fit turned by 180 degrees must leave a quarter as much unexplained: a 0 fits others upside down
CLEARER = 0.6  # of what the fit as it is leaves unexplained, a mirrored fit may leave at most this share


@dataclass(frozen=True)
class Registered:
    """How each of ``n`` images came from a training image; the values of unmatched images mean nothing."""

    matched: Mask  # (n,)
    mirrored: Mask  # (n,): left to right, before the rotation
    degrees: Float64  # (n,): rotation, from -180 to 180
    pixels: Float64  # (n,): length of the shift
    zoom: Float64  # (n,): 1 is the size of the source
    source: Int64  # (n,): its place among the training images
    likeness: Float64  # (n,): correlation of both


class Registration:
    """The training images, ready to be registered with.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, channels)
    """

    def __init__(self, images: UInt8) -> None:
        self.shape = images.shape[1:3]
        self.images = images

    @cached_property
    def known(self) -> Float32:
        """The descriptors, one row for each training image."""
        blocks = (self._soft(self.images[start : start + BLOCK]) for start in range(0, len(self.images), BLOCK))
        return np.concatenate([_descriptors(_polar(soft, *_place(soft))) for soft in blocks])

    def register(self, images: UInt8) -> Registered:
        """Register images.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, ...)
            Of as many pixels as a training image.
        """
        if not len(images):
            none = np.zeros(0)
            return Registered(none > 0, none > 0, none, none, none, none.astype(np.int64), none)
        given = self._soft(images.reshape(len(images), *self.images.shape[1:]))
        polar = _polar(given, *_place(given))
        most = min(CANDIDATES, len(self.known))
        near = np.argpartition(-(_descriptors(polar) @ self.known.T), most - 1, axis=1)[:, :most]
        fits = [self._fitted(given, polar, near, mirrored=mirrored) for mirrored in (False, True)]
        (plain, mirror), rows = (fit[0] for fit in fits), np.arange(len(given))
        mirrored = (1 - mirror) < CLEARER * (1 - plain)
        chosen = mirrored.astype(int)
        likeness = np.stack([plain, mirror])[chosen, rows]
        maps = np.stack([fit[1] for fit in fits])[chosen, rows]  # (n, 2, 3): of the image's places to the source's
        inverse = np.linalg.inv(maps[:, :, :2])
        shift = -(inverse @ maps[:, :, 2:])[:, :, 0]
        return Registered(
            likeness >= ALIKE,
            mirrored,
            np.degrees(np.arctan2(inverse[:, 1, 0] - inverse[:, 0, 1], inverse[:, 0, 0] + inverse[:, 1, 1])),
            np.hypot(*shift.T),
            np.sqrt(np.abs(np.linalg.det(inverse))),
            np.stack([fit[2] for fit in fits])[chosen, rows],
            likeness,
        )

    def _soft(self, images: UInt8) -> Float32:
        """Blurred grey images from 0 to 1, light on dark."""
        from scipy.ndimage import gaussian_filter

        grey = images.astype(np.float32) / 255
        grey = grey.mean(axis=3) if grey.ndim == 4 else grey
        rim = np.median(np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1), axis=1)
        grey[rim > 0.5] = 1 - grey[rim > 0.5]
        return np.asarray(gaussian_filter(grey, (0, BLUR, BLUR)), np.float32)

    def _fitted(self, given: Float32, polar: Float32, near: Int64, *, mirrored: bool) -> tuple[Float64, Float64, Int64]:
        """The best fit of each image: its correlation, its map and its source; ``near`` is (n, candidates)."""
        n, most = near.shape
        sources = self._soft(self.images[near.reshape(-1)])
        sources = sources[:, :, ::-1] if mirrored else sources
        centres, radii = _place(sources)
        turns = np.fft.rfft(_polar(sources, centres, radii)).reshape(n, most, len(RADII), -1)
        match = np.fft.irfft(np.einsum("nrf,nkrf,r->nkf", np.fft.rfft(polar), turns.conj(), RADII), ANGLES)
        starts = min(STARTS, most)
        best = np.argpartition(-match.max(axis=2), starts - 1, axis=1)[:, :starts]
        rows, places = np.repeat(np.arange(n), starts), best.reshape(-1)
        angles = 2 * np.pi / ANGLES * match.argmax(axis=2)[rows, places]
        flat = rows * most + places
        own_centres, own_radii = _place(given)
        maps = _turned(own_centres[rows], own_radii[rows], centres[flat], radii[flat], angles, self.shape)
        likeness, maps = _refined(given[rows], sources[flat], maps)
        rest = (1 - likeness) * (1 + LARGE_TURN * (1 - _cosine(maps, mirrored=mirrored)))
        winner = rest.reshape(n, starts).argmin(axis=1) + starts * np.arange(n)
        return likeness[winner], maps[winner], near.reshape(-1)[flat[winner]]


def _place(soft: Float32) -> tuple[Float32, Float32]:
    """The centre of mass (n, 2) as x and y, and the radius of gyration (n,), both in pixels."""
    height, width = soft.shape[1:]
    mass = np.maximum(soft.sum(axis=(1, 2)), 1e-6)
    down, right = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    y, x = soft.sum(axis=2) @ down / mass, soft.sum(axis=1) @ right / mass
    spread = soft.sum(axis=2) @ down**2 / mass - y**2 + soft.sum(axis=1) @ right**2 / mass - x**2
    return np.stack([x, y], axis=1), np.sqrt(np.maximum(spread, 1.0))


def _polar(soft: Float32, centres: Float32, radii: Float32) -> Float32:
    """The images on a polar grid (n, radii, angles), each of norm 1."""
    angles = 2 * np.pi * np.arange(ANGLES, dtype=np.float32) / ANGLES
    out = radii[:, None, None] * RADII[None, :, None]
    x = centres[:, 0, None, None] + out * np.cos(angles)
    y = centres[:, 1, None, None] + out * np.sin(angles)
    values = _at(soft, x.reshape(len(soft), -1), y.reshape(len(soft), -1))[0].reshape(x.shape)
    norm = np.sqrt((values**2 * RADII[None, :, None]).sum(axis=(1, 2), keepdims=True))
    return np.asarray(values / np.maximum(norm, 1e-6), np.float32)


def _descriptors(polar: Float32) -> Float32:
    size = np.abs(np.fft.rfft(polar))[:, :, :FREQUENCIES] * np.sqrt(RADII)[None, :, None]
    rows = size.reshape(len(polar), -1)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


def _at(soft: Float32, x: Float32, y: Float32) -> tuple[Float32, Float32, Float32]:
    """Values and slopes along x and y at places (n, k), bilinear, 0 outside."""
    height, width = soft.shape[1:]
    framed = np.pad(soft, ((0, 0), (1, 2), (1, 2))).reshape(len(soft), -1)
    x, y = np.clip(x + 1, 0, width + 0.999), np.clip(y + 1, 0, height + 0.999)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, down = x - left, y - top
    corner = top * (width + 3) + left + np.arange(len(soft), dtype=np.int64)[:, None] * framed.shape[1]
    flat = framed.reshape(-1)
    a, b = flat[corner], flat[corner + 1]
    c, d = flat[corner + width + 3], flat[corner + width + 4]
    upper, lower = a + right * (b - a), c + right * (d - c)
    return upper + down * (lower - upper), (b - a) + down * ((d - c) - (b - a)), lower - upper


def _turned(
    own: Float32, own_radii: Float32, centres: Float32, radii: Float32, angles: Float64, shape: tuple[int, ...]
) -> Float64:
    """The maps (b, 2, 3) that bring an image's places, from its middle, to a source's that was turned by ``angles``."""
    middle = np.array([shape[1] - 1, shape[0] - 1]) / 2
    scale = (radii / own_radii)[:, None, None]
    cos, sin = np.cos(angles), np.sin(angles)
    linear = scale * np.stack([np.stack([cos, sin], axis=1), np.stack([-sin, cos], axis=1)], axis=1)
    moved = centres - middle - (linear @ (own - middle)[:, :, None])[:, :, 0]
    return np.concatenate([linear, moved[:, :, None]], axis=2)


def _cosine(maps: Float64, *, mirrored: bool) -> Float64:
    """The cosine of the maps' rotations; mirrored, upside down is as near as left to right."""
    along, across = maps[:, 0, 0] + maps[:, 1, 1], maps[:, 1, 0] - maps[:, 0, 1]
    cosine = along / np.maximum(np.hypot(along, across), 1e-9)
    return np.asarray(np.abs(cosine) if mirrored else cosine)


def _refined(given: Float32, sources: Float32, maps: Float64) -> tuple[Float64, Float64]:
    """The best correlation on the way of some Gauss-Newton steps, and its map."""
    n, height, width = given.shape
    y, x = (each.reshape(-1).astype(np.float32) for each in np.mgrid[:height, :width])
    middle = np.array([width - 1, height - 1]) / 2
    scale = width / 4  # so that all parameters move places by about as much
    basis = np.stack([(x - middle[0]) / scale, (y - middle[1]) / scale, np.ones_like(x)], axis=1)  # (pixels, 3)
    wanted = given.reshape(n, -1)
    current = maps * np.array([scale, scale, 1.0])
    best, kept = np.full(n, -1.0), maps.copy()
    for _ in range(STEPS):
        places = (current.astype(np.float32) @ basis.T) + middle.astype(np.float32)[None, :, None]
        values, along, down = _at(sources, places[:, 0], places[:, 1])
        likeness = _correlation(values, wanted)
        better = likeness > best
        best[better], kept[better] = likeness[better], current[better] / np.array([scale, scale, 1.0])
        gain = (values * wanted).sum(axis=1) / np.maximum((values**2).sum(axis=1), 1e-6)
        slopes = np.concatenate([along[:, :, None] * basis, down[:, :, None] * basis], axis=2) * gain[:, None, None]
        rest = wanted - gain[:, None] * values
        square = slopes.transpose(0, 2, 1) @ slopes + 1e-2 * np.eye(6, dtype=np.float32)
        step = np.linalg.solve(square, slopes.transpose(0, 2, 1) @ rest[:, :, None])[:, :, 0]
        current = current + np.clip(step, -2, 2).reshape(n, 2, 3)
    return best, kept


def _correlation(values: Float32, wanted: Float32) -> Float64:
    a, b = values - values.mean(axis=1, keepdims=True), wanted - wanted.mean(axis=1, keepdims=True)
    norm = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.asarray((a * b).sum(axis=1) / np.maximum(norm, 1e-6), np.float64)
