/* One number for the contents of an array. */

static uint64_t mix(uint64_t hash, const void *data, int64_t bytes)
{
    const unsigned char *p = data;
    uint64_t a = hash, b = hash ^ 0x9E3779B97F4A7C15u;
    for (; bytes >= 16; bytes -= 16, p += 16) {
        uint64_t words[2];
        memcpy(words, p, 16);
        a = (a ^ words[0]) * 0xFF51AFD7ED558CCDu;
        b = (b ^ words[1]) * 0xC4CEB9FE1A85EC53u;
        a ^= a >> 32;
        b ^= b >> 29;
    }
    for (; bytes > 0; bytes--)
        a = (a ^ *p++) * 0x100000001B3u;
    return a ^ (b << 1 | b >> 63);
}

/* A number that is another one if one of so many bytes is, as good as always.  The eight parts of it
   do not wait for each other: memory is the limit. */
WITH_VECTORS uint64_t b2g_digest(const void *data, int64_t bytes)
{
    enum { PARTS = 8 };
    const unsigned char *p = data;
    uint64_t parts[PARTS];
    for (int k = 0; k < PARTS; k++)
        parts[k] = 0x9E3779B97F4A7C15u * (uint64_t)(k + 1);
    for (; bytes >= (int64_t)sizeof(parts); bytes -= sizeof(parts), p += sizeof(parts)) {
        uint64_t words[PARTS];
        memcpy(words, p, sizeof(words));
        for (int k = 0; k < PARTS; k++) {
            parts[k] = (parts[k] ^ words[k]) * 0xFF51AFD7ED558CCDu;
            parts[k] ^= parts[k] >> 32;
        }
    }
    return mix(mix(bytes, parts, sizeof(parts)), p, bytes);
}
