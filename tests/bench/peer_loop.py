"""The official Face Mesh loop, for an interpreter that has mediapipe: a clip's path in, its figures out, by line."""

import json
import sys
import time

import cv2
import mediapipe  # type: ignore[import-not-found]  # only its own environment has it

MAX_FACES = 4


def main() -> None:
    """Until there are no more lines."""
    for line in sys.stdin:
        print(json.dumps(measure(line.strip())), flush=True)


def measure(path: str) -> dict[str, float]:
    """Frames, faces, and seconds from the opening of the clip to the last face; the graph is there before."""
    with mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=MAX_FACES) as mesh:
        started = time.perf_counter()
        clip, frames, faces = cv2.VideoCapture(path), 0, 0
        while True:
            there, picture = clip.read()
            if not there:
                break
            found = mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            frames += 1
            faces += len(found.multi_face_landmarks or [])
        return {"frames": frames, "faces": faces, "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    main()
