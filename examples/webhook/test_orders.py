"""python3 -m unittest, with runtime/ on PYTHONPATH: outside a session the store is a plain dictionary."""
import unittest

import orders


class Orders(unittest.TestCase):
    def test_a_receipt_names_what_was_charged(self):
        self.assertEqual(orders.charge("tea", 2), "receipt-tea-2")


if __name__ == "__main__":
    unittest.main()
