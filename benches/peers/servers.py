"""The container that a component replaces: onnxruntime behind a server of Live Video Analytics' protocols.

    servers.py http MODEL THRESHOLD IOU CLASSES       POST /detect: what is in an image; POST /take: decodes it, and nothing else
    servers.py grpc MODEL THRESHOLD IOU CLASSES       the same over gRPC, with images in shared memory

Listens on the loopback alone and prints its URL when it does; over HTTP, at its end, how many images it only took and what CPU
time it has spent. CLASSES is a JSON list of names.
"""

import json
import mmap
import os
import sys
import time
from concurrent import futures

import numpy

import yolox

PROTOCOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/servers")


class Detector:
    """A model, and what it finds in a picture of three bytes a pixel: blue, green, red."""

    def __init__(self, model, threshold, iou, classes):
        self.run = yolox.session(model)
        self.port = self.run.get_inputs()[0]
        self.threshold, self.iou, self.classes = float(threshold), float(iou), json.loads(classes)

    def find(self, picture):
        height, width = self.port.shape[2:]
        tensor, size = yolox.letterbox(picture, width, height)
        rows = self.run.run(None, {self.port.name: tensor})[0][0]
        return [
            (left, top, right - left, bottom - top, self.classes[place], score)
            for left, top, right, bottom, place, score in yolox.boxes(rows, width, height, size, self.threshold, self.iou)
        ]


def http(detector):
    import cv2
    import waitress
    from flask import Flask, request

    app = Flask(__name__)
    taken = 0

    def picture():
        return cv2.imdecode(numpy.frombuffer(request.get_data(), numpy.uint8), cv2.IMREAD_COLOR)

    @app.post("/detect")
    def detect():
        found = [
            {"type": "entity", "entity": {"tag": {"value": name, "confidence": score}, "box": {"l": l, "t": t, "w": w, "h": h}}}
            for l, t, w, h, name, score in detector.find(picture())
        ]
        return {"inferences": found}

    @app.post("/take")
    def take():
        nonlocal taken
        assert picture() is not None
        taken += 1
        return "", 204

    server = waitress.create_server(app, listen="127.0.0.1:0", threads=1)
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    begun = time.process_time()
    server.run()
    print(json.dumps({"frames": taken, "cpu_s": time.process_time() - begun}), flush=True)


def grpc(detector):
    sys.path.insert(0, PROTOCOL)
    import grpc as library

    messages, services = library.protos_and_services("extension.proto")

    def inference(l, t, w, h, name, score):
        box, tag = messages.Rectangle(l=l, t=t, w=w, h=h), messages.Tag(value=name, confidence=score)
        return messages.Inference(type=messages.Inference.ENTITY, entity=messages.Entity(tag=tag, box=box))

    class Service(services.MediaGraphExtensionServicer):
        def ProcessMediaStream(self, requests, context):
            first = next(requests)
            descriptor = first.media_stream_descriptor
            size = descriptor.media_descriptor.video_frame_sample_format.dimensions
            shared = descriptor.shared_memory_buffer_transfer_properties
            with open("/dev/shm/" + shared.handle_name, "rb") as file:
                memory = mmap.mmap(file.fileno(), shared.length_bytes, access=mmap.ACCESS_READ)
            ours = messages.MediaStreamDescriptor(media_descriptor=messages.MediaDescriptor(timescale=90000))
            yield messages.MediaStreamMessage(ack_sequence_number=first.sequence_number, media_stream_descriptor=ours)
            for message in requests:
                part = message.media_sample.content_reference
                pixels = numpy.frombuffer(memory, numpy.uint8, part.length_bytes, part.address_offset)
                found = detector.find(pixels.reshape(size.height, size.width, 3))
                sample = messages.MediaSample(inferences=[inference(*one) for one in found])
                yield messages.MediaStreamMessage(ack_sequence_number=message.sequence_number, media_sample=sample)

    server = library.server(futures.ThreadPoolExecutor(max_workers=1))
    services.add_MediaGraphExtensionServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"tcp://127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    {"http": http, "grpc": grpc}[sys.argv[1]](Detector(*sys.argv[2:]))
