"""A loop with a pause in every round."""
import time


def on_start(_):
    for i in range(3):
        print(f"round {i + 1} of 3")
        time.sleep(0.1)
    return "done"
