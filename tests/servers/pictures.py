"""What a frame should look like when it arrives, judged by Pillow."""

import io

from PIL import Image, ImageChops, ImageStat

# Names of pixels in rows, as Pillow calls them.
PACKED = {
    "rgb24": ("RGB", "RGB"),
    "bgr24": ("RGB", "BGR"),
    "argb": ("RGBA", "ARGB"),
    "rgba": ("RGBA", "RGBA"),
    "abgr": ("RGBA", "ABGR"),
    "bgra": ("RGBA", "BGRA"),
}
# Sixteen bits, the lower byte first.
SHORT = {"rgb565": "BGR;16", "rgb555": "BGR;15"}
FILES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/bmp": "BMP"}


def decode(content, content_type, pixels=None, size=None):
    """The picture of an image as it came. Bare pixels need to be told what they are."""
    if content_type in FILES:
        picture = Image.open(io.BytesIO(content))
        if picture.format != FILES[content_type]:
            raise ValueError(f"{content_type} is {picture.format}")
        return picture.convert("RGB")
    if content_type != "image/x-raw":
        raise ValueError(f"the type of the image is {content_type}")
    if pixels in PACKED:
        mode, raw = PACKED[pixels]
        picture = Image.frombytes(mode, size, content, "raw", raw)
        if mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255):
            raise ValueError("the picture is not opaque")
        return picture.convert("RGB")
    if pixels == "yuv420p":
        return planar(content, size)
    name, order = pixels[:-2], pixels[-2:]
    if order == "be":
        swapped = bytearray(len(content))
        swapped[0::2], swapped[1::2] = content[1::2], content[0::2]
        content = bytes(swapped)
    return Image.frombytes("RGB", size, content, "raw", SHORT[name])


def planar(content, size):
    """Y, then U and V of half the size each way: BT.709, limited range."""
    width, height = size
    luma, chroma = width * height, (width // 2) * (height // 2)
    if len(content) != luma + 2 * chroma:
        raise ValueError(f"{len(content)} bytes are not {size} in 4:2:0")
    half = (width // 2, height // 2)
    plane = lambda start, length, at: Image.frombytes("L", at, content[start : start + length]).resize(size)
    y, u, v = plane(0, luma, size), plane(luma, chroma, half), plane(luma + chroma, chroma, half)
    out = []
    for light, blue, red in zip(y.tobytes(), u.tobytes(), v.tobytes()):
        light, blue, red = (light - 16) * 255 / 219, (blue - 128) * 255 / 224, (red - 128) * 255 / 224
        out += [light + 1.5748 * red, light - 0.1873 * blue - 0.4681 * red, light + 1.8556 * blue]
    return Image.frombytes("RGB", size, bytes(max(0, min(255, round(value))) for value in out))


def expected(truth, mode, size):
    """The truth brought to a size as the specification says; `size` is None for the camera's own."""
    if size is None:
        return truth
    if mode == "stretch":
        return truth.resize(size)
    scale = min(size[0] / truth.width, size[1] / truth.height)
    fitted = truth.resize((round(truth.width * scale), round(truth.height * scale)))
    if mode == "preserveaspectratio":
        return fitted
    canvas = Image.new("RGB", size)
    canvas.paste(fitted, ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2))
    return canvas


def distance(picture, wanted):
    """The mean difference of a channel of a pixel, in steps of 255."""
    if picture.size != wanted.size:
        raise ValueError(f"{picture.size} and not {wanted.size}")
    means = ImageStat.Stat(ImageChops.difference(picture, wanted)).mean
    return sum(means) / len(means)
