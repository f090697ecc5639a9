"""Trains the model of the demo on pictures that `cargo xtask street dataset` drew, and writes `street.onnx`.

Debian's python3-torch and python3-numpy are enough. One thread, fixed seeds: the same pictures give the same model on the same
machine."""

import argparse
import copy
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from model import CLASSES, HEIGHT, STRIDES, WIDTH, Exported, Street, cells, flat

SEED = 7
# The picture stands in the middle of what the model is given, with grey above and below, as the host does it.
GREY = 114
# Objects up to so many pixels long are told at stride 8, those from so many on at stride 16; between them, at both.
SMALL_UP_TO, LARGE_FROM = 72, 48
# Cells so many strides around the middle of a box speak for it.
RADIUS = 1.5
# What is smaller, or seen less of, is neither learnt nor unlearnt.
SHORTEST, FEWEST_PIXELS = 4.0, 24


class Pictures:
    def __init__(self, folder, name):
        with open(os.path.join(folder, name + ".json")) as file:
            index = json.load(file)
        assert index["classes"] == CLASSES, index["classes"]
        self.height, self.width = index["height"], index["width"]
        shape = (len(index["objects"]), self.height, self.width, 3)
        self.pixels = np.memmap(os.path.join(folder, name + ".rgb"), mode="r", shape=shape)
        self.objects = [np.array(one, np.float32).reshape(-1, 6) for one in index["objects"]]

    def __len__(self):
        return len(self.objects)


def blocks(picture, rng):
    """What a coarse encoder leaves: the steps of the blocks' cosine transforms are made larger."""
    height, width, _ = picture.shape
    at = picture[: height // 4 * 4, : width // 4 * 4].reshape(height // 4, 4, width // 4, 4, 3)
    k = np.arange(4)
    basis = np.cos(np.pi * (2 * k[None] + 1) * k[:, None] / 8) * np.where(k[:, None] == 0, 0.5, math.sqrt(0.5))
    basis = basis.astype(np.float32)
    terms = np.einsum("ui,yixjc,vj->yuxvc", basis, at, basis, optimize=True)
    step = rng.uniform(3, 16) * (1 + 0.6 * (k[:, None] + k[None]))[None, :, None, :, None]
    terms = np.round(terms / step) * step
    out = picture.copy()
    out[: height // 4 * 4, : width // 4 * 4] = np.einsum(
        "ui,yuxvc,vj->yixjc", basis, terms.astype(np.float32), basis, optimize=True
    ).reshape(height // 4 * 4, width // 4 * 4, 3)
    return out


def change(picture, objects, rng):
    """The same scene as another camera and another encoder would have it."""
    picture = picture.astype(np.float32)
    objects = objects.copy()
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
        objects[:, [1, 3]] = picture.shape[1] - objects[:, [3, 1]]
    if rng.random() < 0.5:
        picture = (picture - 110) * rng.uniform(0.75, 1.25) + 110 + rng.uniform(-28, 28)
        picture = picture * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    if rng.random() < 0.25:
        soft = picture.copy()
        soft[1:-1] = (picture[:-2] + 2 * picture[1:-1] + picture[2:]) / 4
        soft[:, 1:-1] = (soft[:, :-2] + 2 * soft[:, 1:-1] + soft[:, 2:]) / 4
        picture = soft
    if rng.random() < 0.5:
        picture = blocks(np.ascontiguousarray(picture), rng)
    if rng.random() < 0.2:
        picture = picture + rng.normal(0, rng.uniform(1, 5), picture.shape).astype(np.float32)
    return np.clip(picture, 0, 255), objects


def framed(picture, objects):
    """In the middle of what the model is given."""
    above = (HEIGHT - picture.shape[0]) // 2
    full = np.full((HEIGHT, WIDTH, 3), GREY, np.float32)
    full[above : above + picture.shape[0]] = picture
    objects = objects.copy()
    objects[:, [2, 4]] += above
    return torch.from_numpy(full.transpose(2, 0, 1) / 255.0), torch.from_numpy(objects)


PLACES, STEPS = cells()


def targets(objects):
    """For each cell the class it has to tell (-1: nothing, -2: it does not matter) and the corners of its box."""
    classes = torch.full((len(PLACES),), -1, dtype=torch.long)
    corners = torch.zeros(len(PLACES), 4)
    # The largest first, so that the smaller has the last word.
    size = (objects[:, 3] - objects[:, 1]) * (objects[:, 4] - objects[:, 2])
    for at in torch.argsort(size, descending=True):
        one = objects[at]
        left, top, right, bottom = one[1:5].tolist()
        short, long = sorted([right - left, bottom - top])
        inside = (PLACES[:, 0] > left) & (PLACES[:, 0] < right) & (PLACES[:, 1] > top) & (PLACES[:, 1] < bottom)
        if short < SHORTEST or one[5] < FEWEST_PIXELS:
            classes[inside & (classes == -1)] = -2
            continue
        fits = torch.where(STEPS[:, 0] == STRIDES[0], long <= SMALL_UP_TO, long >= LARGE_FROM)
        middle = torch.tensor([(left + right) / 2, (top + bottom) / 2])
        off = ((PLACES - middle).abs() / STEPS).max(1).values
        own = fits & (off < RADIUS) & inside
        # One that is smaller than a cell may hold the middle of none.
        own |= fits & (off <= 0.5)
        classes[own] = int(one[0])
        corners[own] = one[1:5]
    return classes, corners


def overlap(one, other):
    """Generalised intersection over union, and the plain one."""
    low = torch.maximum(one[:, :2], other[:, :2])
    high = torch.minimum(one[:, 2:], other[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    area = lambda box: (box[:, 2:] - box[:, :2]).clamp(min=0).prod(1)
    union = area(one) + area(other) - common
    iou = common / union.clamp(min=1e-6)
    hull = (torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])).prod(1)
    return iou - (hull - union) / hull.clamp(min=1e-6), iou


def loss_of(outputs, classes, corners):
    sides, scores = flat(outputs)
    found = classes >= 0
    count = max(int(found.sum()), 1)
    far = torch.exp(sides[found].clamp(max=5)) * STEPS.expand(len(classes), -1, -1)[found]
    place = PLACES.expand(len(classes), -1, -1)[found]
    boxes = torch.cat([place - far[:, :2], place + far[:, 2:]], 1)
    generalised, iou = overlap(boxes, corners[found])
    # Each cell has to say how well its box fits: the best of several cells is then the one that is kept.
    wanted = torch.zeros_like(scores)
    wanted[found, classes[found]] = iou.detach().clamp(min=0.05)
    focus = (torch.sigmoid(scores).detach() - wanted).abs().pow(2)
    focus = focus * (classes != -2)[..., None]
    told = (F.binary_cross_entropy_with_logits(scores, wanted, reduction="none") * focus).sum() / count
    return told + 1.5 * (1 - generalised).mean() if found.any() else told


class Batches:
    def __init__(self, pictures, size, rng):
        self.pictures, self.size, self.rng = pictures, size, rng

    def __iter__(self):
        order = self.rng.permutation(len(self.pictures))
        for start in range(0, len(order) - self.size + 1, self.size):
            rows = [self.one(at) for at in order[start : start + self.size]]
            yield [torch.stack(column) for column in zip(*rows)]

    def one(self, at):
        changed = change(self.pictures.pixels[at], self.pictures.objects[at], self.rng)
        picture, objects = framed(*changed)
        return (picture, *targets(objects))


def follow(average, model, step):
    """A moving average of what was learnt is better than what was learnt last."""
    keep = min(0.998, (1 + step) / (10 + step))
    with torch.no_grad():
        for slow, fast in zip(average.state_dict().values(), model.state_dict().values()):
            if slow.dtype.is_floating_point:
                slow.mul_(keep).add_(fast, alpha=1 - keep)
            else:
                slow.copy_(fast)


def validate(model, pictures):
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, min(len(pictures), 256), 16):
            rows = []
            for at in range(start, min(start + 16, len(pictures))):
                picture, objects = framed(pictures.pixels[at].astype(np.float32), pictures.objects[at])
                rows.append((picture, *targets(objects)))
            picture, classes, corners = [torch.stack(column) for column in zip(*rows)]
            total, count = total + float(loss_of(model(picture), classes, corners)), count + 1
    return total / max(count, 1)


def export(model, path):
    exported = Exported(copy.deepcopy(model).eval()).eval()
    torch.onnx.export(
        exported,
        torch.zeros(1, 3, HEIGHT, WIDTH),
        path,
        input_names=["images"],
        output_names=["objects"],
        opset_version=13,
        do_constant_folding=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="what `cargo xtask street dataset` wrote")
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "street.onnx"))
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    train, validation = (Pictures(arguments.data, name) for name in ("train", "validation"))
    model = Street()
    print(f"{sum(part.numel() for part in model.parameters())} parameters", flush=True)
    average = copy.deepcopy(model)
    steps = arguments.epochs * (len(train) // arguments.batch)
    decayed = [part for part in model.parameters() if part.dim() > 1]
    others = [part for part in model.parameters() if part.dim() <= 1]
    learner = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}], arguments.rate
    )
    warm = min(200, steps // 10 + 1)
    rate = lambda step: min((step + 1) / warm, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    schedule = torch.optim.lr_scheduler.LambdaLR(learner, rate)
    step, began = 0, time.time()
    for epoch in range(arguments.epochs):
        model.train()
        recent = 0.0
        for picture, classes, corners in Batches(train, arguments.batch, rng):
            loss = loss_of(model(picture), classes, corners)
            learner.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            learner.step()
            schedule.step()
            step += 1
            follow(average, model, step)
            recent = 0.98 * recent + 0.02 * float(loss) if recent else float(loss)
            if step % 25 == 0:
                print(f"{time.time() - began:6.0f} s  step {step} of {steps}  loss {recent:.3f}", flush=True)
        export(average, arguments.out)
        print(f"epoch {epoch + 1}: validation {validate(average, validation):.3f}", flush=True)


if __name__ == "__main__":
    main()
