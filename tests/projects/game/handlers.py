"""A game for two whose board lies in the project's store; moves race by check-and-set."""
from copy import deepcopy

import ak
from autokitteh import Event, check_and_set_value, get_value, get_webhook_url, http_outcome, set_value


def on_request(event: Event) -> None:
    parts = event.data.url.path_suffix.split("/")
    if parts == ["new"]:
        new_game()
    elif len(parts) == 2 and parts[0] == "game":
        http_outcome(json=get_value(parts[1]))
    elif len(parts) == 4 and parts[0] == "game":
        move(parts[1], parts[2], int(parts[3]))
    else:
        http_outcome(404, body="Not Found")


def new_game() -> None:
    game = "game-" + str(ak.uuid4())
    set_value(game, {"board": [None] * 9, "turn": "x"})
    http_outcome(302, headers={"Location": f"{get_webhook_url('game')}/game/{game}"})


def move(game: str, who: str, at: int) -> None:
    old = get_value(game)
    if old["turn"] != who or old["board"][at]:
        http_outcome(409, body="not now")
        return
    new = deepcopy(old)
    new["board"][at] = who
    new["turn"] = "o" if who == "x" else "x"
    http_outcome(200 if check_and_set_value(game, old, new) else 409, json=new)
