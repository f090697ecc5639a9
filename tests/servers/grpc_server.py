"""An inference server over gRPC, as the protocol of Live Video Analytics describes one, with all that a bad one does.

    grpc_server.py [--truth PNG] [--tls PEM] [--port N] [--login USER:PASSWORD]

Listens on the loopback alone and prints its URL when it does; then a line of JSON for each session and each sample. What it
does, the configuration says that the client hands over: `entity`, `nothing`, `batch`, ...; behind a blank, how the image was
scaled.
"""

import argparse
import base64
import json
import mmap
import os
import sys
import threading
import time
from concurrent import futures

import grpc
from PIL import Image

import pictures

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
messages, services = grpc.protos_and_services("extension.proto")

FILES = {0: "image/bmp", 1: "image/jpeg", 2: "image/png", 3: "image/x-raw"}
Format = messages.VideoFrameSampleFormat
lock = threading.Lock()
truth = None
login = None


def say(**line):
    with lock:
        print(json.dumps(line), flush=True)


def entity():
    box = messages.Rectangle(l=0.25, t=0.25, w=0.5, h=0.5)
    tag = messages.Tag(value="truck", confidence=0.875)
    # The type stays at AUTO: the body tells it.
    return messages.Inference(entity=messages.Entity(tag=tag, box=box))


def answer(ack, *found, sequence=0, timestamp=0):
    sample = messages.MediaSample(timestamp=timestamp, inferences=found)
    return messages.MediaStreamMessage(sequence_number=sequence, ack_sequence_number=ack, media_sample=sample)


class Session:
    """What a client said at the beginning, and the memory that it shares."""

    def __init__(self, message):
        descriptor = message.media_stream_descriptor
        self.configuration, _, self.mode = descriptor.extension_configuration.partition(" ")
        self.format = descriptor.media_descriptor.video_frame_sample_format
        self.memory = None
        shared = descriptor.shared_memory_buffer_transfer_properties
        if descriptor.HasField("shared_memory_buffer_transfer_properties"):
            with open("/dev/shm/" + shared.handle_name, "rb") as file:
                self.memory = mmap.mmap(file.fileno(), shared.length_bytes, access=mmap.ACCESS_READ)
        identifier = descriptor.graph_identifier
        say(
            name="session",
            sequence=message.sequence_number,
            configuration=descriptor.extension_configuration,
            instance=identifier.graph_instance_name,
            node=identifier.graph_node_name,
            timescale=descriptor.media_descriptor.timescale,
            encoding=Format.Encoding.Name(self.format.encoding),
            pixels=Format.PixelFormat.Name(self.format.pixel_format),
            size=[self.format.dimensions.width, self.format.dimensions.height],
            stride=self.format.stride_bytes,
            handle=shared.handle_name,
            length=shared.length_bytes,
        )

    def image(self, sample):
        if sample.WhichOneof("content") == "content_bytes":
            return sample.content_bytes.bytes
        part = sample.content_reference
        return self.memory[part.address_offset : part.address_offset + part.length_bytes]

    def judged(self, image):
        if truth is None:
            return None
        size = (self.format.dimensions.width, self.format.dimensions.height)
        pixels = Format.PixelFormat.Name(self.format.pixel_format).lower()
        try:
            wanted = pictures.expected(truth, self.mode or "stretch", size)
            return pictures.distance(pictures.decode(image, FILES[self.format.encoding], pixels, size), wanted)
        except (ValueError, OSError) as error:
            return str(error)

    def note(self, message):
        sample = message.media_sample
        image = self.image(sample)
        say(
            name="sample",
            node=self.configuration,
            sequence=message.sequence_number,
            timestamp=sample.timestamp,
            content=sample.WhichOneof("content"),
            offset=sample.content_reference.address_offset,
            bytes=len(image),
            distance=self.judged(image),
            inferences=[one.WhichOneof("value") for one in sample.inferences],
            types=[one.type for one in sample.inferences],
            top=[one.motion.box.t for one in sample.inferences if one.HasField("motion")],
            at=time.monotonic(),
        )


def replies(session, requests, context):
    """What is said to the samples of a session."""
    held = []
    for count, message in enumerate(requests, 1):
        session.note(message)
        ack = message.sequence_number
        kind = session.configuration
        if kind == "entity":
            yield answer(ack, entity(), sequence=count + 1)
        elif kind == "":
            yield answer(ack, messages.Inference(motion=messages.Motion(box=messages.Rectangle(l=0.25, t=0.25, w=0.5, h=0.5))))
        elif kind == "nothing":
            yield answer(ack)
        elif kind == "batch":
            # Each is acknowledged, and the last of three carries what was found.
            held.append(ack)
            if len(held) == 3:
                for one in held[:-1]:
                    yield answer(one)
                yield answer(held[-1], entity())
                held = []
        elif kind == "backwards":
            held.append(ack)
            if len(held) == 3:
                for one in reversed(held):
                    yield answer(one, entity())
                held = []
        elif kind == "unnumbered":
            yield answer(0, entity())
        elif kind == "timed":
            yield answer(0, entity(), timestamp=message.media_sample.timestamp)
        elif kind == "never":
            continue
        elif kind == "slow":
            time.sleep(0.5)
            yield answer(ack)
        elif kind == "bodiless":
            yield answer(ack, messages.Inference())
        elif kind == "large":
            other = messages.InferenceOther(content_type="text/plain", content_bytes=b" " * (10 << 20))
            yield answer(ack, messages.Inference(other=other))
        elif kind == "ends" and count == 3:
            return
        elif kind == "ends":
            yield answer(ack, entity())
        elif kind == "invalid":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "an inference has no body")
        elif kind == "hang":
            time.sleep(3600)


class Service(services.MediaGraphExtensionServicer):
    def ProcessMediaStream(self, requests, context):
        metadata = dict(context.invocation_metadata())
        wanted = "Basic " + base64.b64encode(login.encode()).decode() if login else None
        if wanted and metadata.get("x-ms-authentication") != wanted:
            say(name="stranger", given=metadata.get("x-ms-authentication"))
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "who?")
        first = next(requests)
        session = Session(first)
        if session.configuration == "impolite":
            yield answer(1)
        descriptor = messages.MediaStreamDescriptor(media_descriptor=messages.MediaDescriptor(timescale=90000))
        # As the sample of Live Video Analytics: it does not count its first message.
        yield messages.MediaStreamMessage(ack_sequence_number=first.sequence_number, media_stream_descriptor=descriptor)
        yield from replies(session, requests, context)


def main():
    global truth, login
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--truth")
    arguments.add_argument("--tls")
    arguments.add_argument("--login")
    arguments.add_argument("--port", type=int, default=0)
    given = arguments.parse_args()
    if given.truth:
        truth = Image.open(given.truth).convert("RGB")
    login = given.login
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), options=[("grpc.max_receive_message_length", 64 << 20)])
    services.add_MediaGraphExtensionServicer_to_server(Service(), server)
    address = f"127.0.0.1:{given.port}"
    if given.tls:
        pem = open(given.tls, "rb").read()
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(pem, pem)]))
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(f"tcp://127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    sys.exit(main())
