"""A picture as its file says that it is to be seen."""

import io
from contextlib import suppress
from typing import cast

from PIL import Image, ImageCms, ImageOps

_KINDS = {"RGB": "RGB", "RGBA": "RGB", "P": "RGB", "PA": "RGB", "L": "GRAY", "LA": "GRAY"}
_KINDS |= {"CMYK": "CMYK"}
"""Kind of the colour profile of pictures, by their mode."""
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def as_declared(picture: Image.Image) -> Image.Image:
    """The picture upright and in the colours of sRGB, of mode RGB.

    It is turned and mirrored as its EXIF orientation says. Where it has a colour profile that is
    of its kind and not sRGB, its colours are converted. Transparency is dropped.

    Raises:
        ValueError: it has more than 8 bits a channel, or a broken colour profile.
    """
    if picture.mode.startswith(("I", "F")):
        raise ValueError(f"more than 8 bits a channel, mode {picture.mode}")
    content = picture.info.get("icc_profile")
    picture.load()
    # What cannot be read declares nothing; errors are of no common type.
    with suppress(Exception):
        ImageOps.exif_transpose(picture, in_place=True)  # large pictures have no room for a copy
    return _in_srgb(picture, content) if content else picture.convert("RGB")


def _in_srgb(picture: Image.Image, content: bytes) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
        kind = profile.profile.xcolor_space.strip()
        if kind != _KINDS.get(picture.mode) or "sRGB" in ImageCms.getProfileDescription(profile):
            return picture.convert("RGB")
        plain, srgb = picture.convert(_MODES[kind]), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(plain, profile, srgb, outputMode="RGB")
        return cast("Image.Image", converted)  # None is for pictures changed in place
    except (OSError, ImageCms.PyCMSError) as error:
        raise ValueError(f"its colour profile cannot be applied ({error})") from error
