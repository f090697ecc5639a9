"""What others make of a YOLOX model: Microsoft's onnxruntime in Python, with OpenCV for the pictures and a decode of its own.

    yolox.py detect MODEL CLIP THRESHOLD IOU    one JSON object per frame: {"frame": 1, "boxes": [[l, t, w, h, class, score]]}
    yolox.py picture CLIP SIDE FILE             a frame of the clip as SIDE times SIDE pixels, planar 4:2:0
    yolox.py time MODEL RUNS                    milliseconds of each run on one thread, as a JSON list

Shares no line with the host: what both get wrong alike would not be seen.
"""

import json
import sys
import time

import numpy
import onnxruntime

STRIDES = (8, 16, 32)
FILL = 114


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def letterbox(picture, width, height):
    import cv2

    ratio = min(width / picture.shape[1], height / picture.shape[0])
    size = (int(picture.shape[1] * ratio), int(picture.shape[0] * ratio))
    canvas = numpy.full((height, width, 3), FILL, dtype=numpy.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return canvas.transpose(2, 0, 1)[None].astype(numpy.float32), size


def decode(rows, width, height):
    grids, steps = [], []
    for stride in STRIDES:
        columns, lines = width // stride, height // stride
        x, y = numpy.meshgrid(numpy.arange(columns), numpy.arange(lines))
        grids.append(numpy.stack((x, y), 2).reshape(-1, 2))
        steps.append(numpy.full((columns * lines, 1), stride))
    grids, steps = numpy.concatenate(grids), numpy.concatenate(steps)
    centre = (rows[:, :2] + grids) * steps
    size = numpy.exp(rows[:, 2:4]) * steps
    corners = numpy.concatenate((centre - size / 2, centre + size / 2), 1)
    scores = rows[:, 4:5] * rows[:, 5:]
    classes = scores.argmax(1)
    return corners, classes, scores[numpy.arange(len(scores)), classes]


def overlap(box, others):
    left_top = numpy.maximum(box[:2], others[:, :2])
    right_bottom = numpy.minimum(box[2:], others[:, 2:])
    common = numpy.clip(right_bottom - left_top, 0, None).prod(1)
    area = lambda boxes: (boxes[..., 2:] - boxes[..., :2]).prod(-1)
    return common / (area(box) + area(others) - common)


def suppress(corners, classes, scores, iou):
    kept = []
    for wanted in numpy.unique(classes):
        places = numpy.flatnonzero(classes == wanted)
        places = places[numpy.argsort(-scores[places], kind="stable")]
        while len(places):
            first, places = places[0], places[1:]
            kept.append(first)
            places = places[overlap(corners[first], corners[places]) <= iou]
    return kept


def boxes(rows, width, height, size, threshold, iou):
    """Left, top, right and bottom as fractions of the picture, class and score of each object."""
    corners, classes, scores = decode(rows, width, height)
    likely = scores >= threshold
    corners, classes, scores = corners[likely], classes[likely], scores[likely]
    found = []
    for place in suppress(corners, classes, scores, iou):
        corner = numpy.clip(corners[place] / (size[0], size[1], size[0], size[1]), 0, 1)
        left, top, right, bottom = (float(side) for side in corner)
        if right > left and bottom > top:
            found.append((left, top, right, bottom, int(classes[place]), float(scores[place])))
    return found


def detect(model, clip, threshold, iou):
    import cv2

    run = session(model)
    port = run.get_inputs()[0]
    height, width = port.shape[2:]
    capture = cv2.VideoCapture(clip)
    frame = 0
    while True:
        read, picture = capture.read()
        if not read:
            return
        frame += 1
        tensor, size = letterbox(picture, width, height)
        rows = run.run(None, {port.name: tensor})[0][0]
        found = boxes(rows, width, height, size, threshold, iou)
        lists = [[l, t, r - l, b - t, place, score] for l, t, r, b, place, score in found]
        print(json.dumps({"frame": frame, "boxes": lists}))


def picture(clip, side, file):
    import cv2

    read, picture = cv2.VideoCapture(clip).read()
    if not read:
        raise SystemExit(f"{clip} cannot be read")
    cv2.cvtColor(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2YUV_I420).tofile(file)


def measure(model, runs):
    run = session(model)
    port = run.get_inputs()[0]
    shape = [side if isinstance(side, int) else 1 for side in port.shape]
    tensor = numpy.random.default_rng(1).integers(0, 256, shape).astype(numpy.float32)
    took = []
    for _ in range(runs + 3):
        begun = time.perf_counter()
        run.run(None, {port.name: tensor})
        took.append((time.perf_counter() - begun) * 1e3)
    print(json.dumps(took[3:]))


if __name__ == "__main__":
    if sys.argv[1] == "detect":
        detect(sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
    elif sys.argv[1] == "picture":
        picture(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        measure(sys.argv[2], int(sys.argv[3]))
