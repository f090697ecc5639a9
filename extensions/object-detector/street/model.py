"""The network: small, plain convolutions, no anchors, strides of 8 and 16 pixels."""

import torch
from torch import nn

CLASSES = ["car", "van", "bus", "truck", "person", "bicycle"]
WIDTH, HEIGHT = 320, 192
STRIDES = (8, 16)
# A cell that says "nothing" at the start of the training: one of a hundred is something.
PRIOR = -4.6


def conv(inside, outside, size=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(inside, outside, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


class Block(nn.Module):
    """A narrow look at the neighbourhood, added to what is known."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels // 2, 1), conv(channels // 2, channels))

    def forward(self, x):
        return x + self.body(x)


class Head(nn.Module):
    """Of each cell four distances to the sides of its box, and a number for each class."""

    def __init__(self, inside, channels):
        super().__init__()
        self.body = conv(inside, channels)
        self.sides = nn.Conv2d(channels, 4, 1)
        self.classes = nn.Conv2d(channels, len(CLASSES), 1)
        nn.init.constant_(self.classes.bias, PRIOR)
        nn.init.constant_(self.sides.bias, 0.5)

    def forward(self, x):
        x = self.body(x)
        return self.sides(x), self.classes(x)


class Street(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 3, 2), conv(16, 32, 3, 2), Block(32))
        self.down8 = nn.Sequential(conv(32, 64, 3, 2), Block(64))
        self.down16 = nn.Sequential(conv(64, 80, 3, 2), Block(80), Block(80))
        self.down32 = nn.Sequential(conv(80, 80, 3, 2), Block(80), Block(80))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.join16 = nn.Sequential(conv(160, 80, 1), Block(80))
        self.join8 = nn.Sequential(conv(144, 56, 1), Block(56))
        self.head8 = Head(56, 40)
        self.head16 = Head(80, 56)

    def forward(self, x):
        eight = self.down8(self.stem(x))
        sixteen = self.down16(eight)
        far = self.down32(sixteen)
        sixteen = self.join16(torch.cat([self.up(far), sixteen], 1))
        eight = self.join8(torch.cat([self.up(sixteen), eight], 1))
        return [self.head8(eight), self.head16(sixteen)]


def cells():
    """The middle of each cell in pixels, and its stride: (x, y), (places, 2) and (places, 1)."""
    places, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(
            torch.arange(HEIGHT // stride), torch.arange(WIDTH // stride), indexing="ij"
        )
        at = (torch.stack([x, y], -1).reshape(-1, 2).float() + 0.5) * stride
        places.append(at)
        strides.append(torch.full((len(at), 1), float(stride)))
    return torch.cat(places), torch.cat(strides)


def flat(outputs):
    """All cells of all strides: (batch, places, 4) and (batch, places, classes)."""
    sides = torch.cat([sides.flatten(2) for sides, _ in outputs], 2).transpose(1, 2)
    classes = torch.cat([classes.flatten(2) for _, classes in outputs], 2).transpose(1, 2)
    return sides, classes


class Exported(nn.Module):
    """What is written to the file: columns of x, y, width, height and the classes, as the family yolov8 has them."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        places, strides = cells()
        self.register_buffer("x", places[:, 0].reshape(1, 1, -1))
        self.register_buffer("y", places[:, 1].reshape(1, 1, -1))
        self.register_buffer("stride", strides.reshape(1, 1, -1))

    def forward(self, picture):
        outputs = self.model(picture)
        sides = torch.cat([sides.reshape(1, 4, -1) for sides, _ in outputs], 2)
        classes = torch.cat([classes.reshape(1, len(CLASSES), -1) for _, classes in outputs], 2)
        far = torch.exp(sides) * self.stride
        left, top, right, bottom = far[:, 0:1], far[:, 1:2], far[:, 2:3], far[:, 3:4]
        x = self.x + (right - left) * 0.5
        y = self.y + (bottom - top) * 0.5
        return torch.cat([x, y, left + right, top + bottom, torch.sigmoid(classes)], 1)
