"""SipHash-2-4, for tests that write entries of the cache themselves."""
MASK = (1 << 64) - 1


def turn(x, bits):
    return (x << bits | x >> (64 - bits)) & MASK


def siphash(key, data):
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    a, b, c, d = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def mix(a, b, c, d):
        a = (a + b) & MASK
        b = turn(b, 13) ^ a
        a = turn(a, 32)
        c = (c + d) & MASK
        d = turn(d, 16) ^ c
        a = (a + d) & MASK
        d = turn(d, 21) ^ a
        c = (c + b) & MASK
        b = turn(b, 17) ^ c
        return a, b, turn(c, 32), d

    whole = len(data) // 8 * 8
    words = [int.from_bytes(data[i:i + 8], "little") for i in range(0, whole, 8)]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        d ^= word
        for _ in range(2):
            a, b, c, d = mix(a, b, c, d)
        a ^= word
    c ^= 0xFF
    for _ in range(4):
        a, b, c, d = mix(a, b, c, d)
    return a ^ b ^ c ^ d
