"""The official full-range face detector. Run by the interpreter that has mediapipe: pictures in, boxes out."""

import json
import sys

import mediapipe
import numpy as np

FULL_RANGE = 1


def main(least: float) -> None:
    """Until there are no more pictures: a line with height and width, then the RGB bytes."""
    with mediapipe.solutions.face_detection.FaceDetection(least, FULL_RANGE) as detector:
        while line := sys.stdin.buffer.readline():
            height, width = json.loads(line)
            content = sys.stdin.buffer.read(height * width * 3)
            found = detector.process(np.frombuffer(content, np.uint8).reshape(height, width, 3))
            print(json.dumps([seen(one, width, height) for one in found.detections or []]), flush=True)


def seen(one: object, width: int, height: int) -> list[object]:
    """x0, y0, x1, y1 in pixels, and the score."""
    box = one.location_data.relative_bounding_box
    low, high = (box.xmin, box.ymin), (box.xmin + box.width, box.ymin + box.height)
    return [[low[0] * width, low[1] * height, high[0] * width, high[1] * height], one.score[0]]


if __name__ == "__main__":
    main(float(sys.argv[1]))
