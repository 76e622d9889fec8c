import json

from effects import effect

TABLE = json.loads('{"a": 1}')
seen = []


class Account:
    def __init__(self, owner):
        self.owner = owner

    def pay(self, amount):
        seen.append(amount)
        return effect("%s pays %d" % (self.owner, amount))


def handler(event):
    account = Account("Ada")
    account.pay(TABLE["a"])
    account.pay(2)
    return len(seen)
