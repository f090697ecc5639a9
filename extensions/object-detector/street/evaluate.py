"""Precision and recall of `street.onnx` on pictures that it was not trained with, written to `evaluation.json`.

Needs onnxruntime and numpy (`pip install onnxruntime numpy`). The decoding is this script's own, after the README of
object-detector: the model is judged, not the component."""

import argparse
import json
import os

import numpy as np
import onnxruntime

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT, GREY = 320, 192, 114
THRESHOLD, SUPPRESSION, MATCH = 0.5, 0.45, 0.5
# What is shorter, or seen less of, is neither missed nor false: nobody could tell it.
SHORTEST, FEWEST_PIXELS = 6.0, 40


def overlap(box, boxes):
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    area = lambda box: (box[..., 2:] - box[..., :2]).prod(-1)
    return common / np.maximum(area(box) + area(boxes) - common, 1e-6)


def detect(session, picture):
    above = (HEIGHT - picture.shape[0]) // 2
    full = np.full((HEIGHT, WIDTH, 3), GREY, np.float32)
    full[above : above + picture.shape[0]] = picture
    answer = session.run(None, {"images": full.transpose(2, 0, 1)[None] / np.float32(255)})[0][0]
    scores = answer[4:].max(0)
    likely = scores >= 0.05
    x, y, width, height = answer[:4, likely]
    boxes = np.stack([x - width / 2, y - height / 2 - above, x + width / 2, y + height / 2 - above], 1)
    boxes = np.clip(boxes, 0, [picture.shape[1], picture.shape[0]] * 2)
    classes, scores = answer[4:, likely].argmax(0), scores[likely]
    kept = []
    for at in np.argsort(-scores):
        same = [other for other in kept if classes[other] == classes[at]]
        if not same or overlap(boxes[at], boxes[same]).max() < SUPPRESSION:
            kept.append(at)
    return boxes[kept], classes[kept], scores[kept]


def judge(found, objects):
    """Of each class: those found (score, whether right), and how many there are. The likeliest choose first."""
    boxes, classes, scores = found
    own, true_boxes = objects[:, 0].astype(int), objects[:, 1:5]
    counts = (np.minimum(*(true_boxes[:, 2:] - true_boxes[:, :2]).T) >= SHORTEST) & (objects[:, 5] >= FEWEST_PIXELS)
    taken, told = set(), []
    for box, cls, score in zip(boxes, classes, scores):
        near = overlap(box, true_boxes) if len(true_boxes) else np.zeros(0)
        free = [at for at in np.argsort(-near) if near[at] >= MATCH and own[at] == cls and at not in taken]
        if free:
            taken.add(free[0])
            if counts[free[0]]:
                told.append((cls, score, True))
        elif not any(near[at] >= 0.3 and not counts[at] for at in range(len(near))):
            told.append((cls, score, False))
    return told, own[counts]


def average_precision(told, count):
    right = np.array([right for _, right in sorted(told, reverse=True)], float)
    if not len(right) or not count:
        return 0.0
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best * right).sum() / count)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="what `cargo xtask street dataset` wrote")
    parser.add_argument("--part", default="test")
    parser.add_argument("--model", default=os.path.join(HERE, "street.onnx"))
    parser.add_argument("--out", default=os.path.join(HERE, "evaluation.json"))
    arguments = parser.parse_args()
    with open(os.path.join(arguments.data, arguments.part + ".json")) as file:
        index = json.load(file)
    shape = (len(index["objects"]), index["height"], index["width"], 3)
    pixels = np.memmap(os.path.join(arguments.data, arguments.part + ".rgb"), mode="r", shape=shape)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(arguments.model, options, providers=["CPUExecutionProvider"])
    told, there = [], []
    for picture, objects in zip(pixels, index["objects"]):
        found = detect(session, picture.astype(np.float32))
        one, own = judge(found, np.array(objects, float).reshape(-1, 6))
        told += one
        there += own.tolist()
    classes = {}
    for number, name in enumerate(index["classes"]):
        own = [(float(score), right) for cls, score, right in told if cls == number]
        sure = [right for score, right in own if score >= THRESHOLD]
        count = there.count(number)
        classes[name] = {
            "objects": count,
            "precision": round(sum(sure) / max(len(sure), 1), 3),
            "recall": round(sum(sure) / max(count, 1), 3),
            "averagePrecision": round(average_precision(own, count), 3),
        }
    result = {
        "pictures": len(pixels),
        "part": arguments.part,
        "threshold": THRESHOLD,
        "matchedAtIoU": MATCH,
        "classes": classes,
    }
    with open(arguments.out, "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
