/* autokitteh.yaml through libyaml's events. Aliases share their anchor's node; how much a text
 * may unfold by them is bounded, as it comes from anywhere. */
#include "node.h"

#include "map.h"

#include <string.h>
#include <yaml.h>

enum { DEEPEST = 64, UNFOLDED = 1000000 };

typedef struct Frame {
    AkNode *node;
    const AkNode *key; /* of a map: the key whose value comes next */
    const char *anchor;
} Frame;

typedef struct Reader {
    yaml_parser_t parser;
    const char *text;
    size_t len;
    size_t start;           /* behind a byte order mark */
    size_t byte, character; /* libyaml counts characters, the library bytes */
    Frame stack[DEEPEST];
    size_t depth;
    CliMap anchors;
    size_t unfolded;
    const AkNode *root;
    CliMistake *mistake;
} Reader;

static size_t char_len(unsigned char c)
{
    return c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Marks mostly grow; where one goes back (an error's), the count starts again. */
static uint32_t byte_at(Reader *r, size_t character)
{
    if (character < r->character) {
        r->byte = r->start;
        r->character = 0;
    }
    for (; r->character < character && r->byte < r->len; r->character++)
        r->byte += char_len((unsigned char)r->text[r->byte]);
    return (uint32_t)(r->byte < r->len ? r->byte : r->len);
}

static int fail(Reader *r, uint32_t start, uint32_t end, const char *why)
{
    *r->mistake = (CliMistake){start, end, why};
    return -1;
}

static size_t size_of(const AkNode *node)
{
    size_t n = 1, children = node->kind == AK_NODE_MAP ? node->count * 2 : node->count;

    for (size_t i = 0; i < children && n < UNFOLDED; i++)
        n += size_of(node->items[i]);
    return n;
}

static void place_value(Reader *r, const AkNode *node)
{
    Frame *frame;

    if (!r->depth) {
        r->root = node;
        return;
    }
    frame = &r->stack[r->depth - 1];
    if (frame->node->kind == AK_NODE_LIST) {
        cli_node_add(frame->node, node);
    } else if (!frame->key) {
        frame->key = node;
    } else {
        cli_node_put(frame->node, frame->key, node);
        frame->key = NULL;
    }
}

static void remember(Reader *r, const char *anchor, const AkNode *node)
{
    if (anchor)
        cli_map_put(&r->anchors, anchor, node);
}

static const char *anchor_of(const yaml_char_t *anchor)
{
    return anchor ? cli_keep_string((const char *)anchor) : NULL;
}

static int open_node(Reader *r, AkNodeKind kind, const yaml_char_t *anchor, uint32_t start)
{
    if (r->depth == DEEPEST)
        return fail(r, start, start, "nested too deeply");
    r->stack[r->depth++] = (Frame){cli_node_new(kind, start, start), NULL, anchor_of(anchor)};
    return 0;
}

static void close_node(Reader *r, uint32_t end)
{
    Frame frame = r->stack[--r->depth];

    frame.node->end = end;
    remember(r, frame.anchor, frame.node);
    place_value(r, frame.node);
}

static int read_alias(Reader *r, const yaml_char_t *anchor, uint32_t start, uint32_t end)
{
    const AkNode *node = cli_map_get(&r->anchors, (const char *)anchor);

    if (!node)
        return fail(r, start, end,
                    cli_keep_format("unknown anchor '%s'", (const char *)anchor));
    r->unfolded += size_of(node);
    if (r->unfolded > UNFOLDED)
        return fail(r, start, end, "aliases unfold to too much");
    place_value(r, node);
    return 0;
}

static void read_scalar(Reader *r, const yaml_event_t *event, uint32_t start, uint32_t end)
{
    AkNode *node = cli_node_new(AK_NODE_SCALAR, start, end);

    node->text =
        cli_keep_text((const char *)event->data.scalar.value, event->data.scalar.length);
    node->quoted = event->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                   event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    remember(r, anchor_of(event->data.scalar.anchor), node);
    place_value(r, node);
}

static int read_event(Reader *r, const yaml_event_t *event)
{
    uint32_t start = byte_at(r, event->start_mark.index),
             end = byte_at(r, event->end_mark.index);

    switch (event->type) {
    case YAML_ALIAS_EVENT: return read_alias(r, event->data.alias.anchor, start, end);
    case YAML_SCALAR_EVENT: read_scalar(r, event, start, end); return 0;
    case YAML_SEQUENCE_START_EVENT:
        return open_node(r, AK_NODE_LIST, event->data.sequence_start.anchor, start);
    case YAML_MAPPING_START_EVENT:
        return open_node(r, AK_NODE_MAP, event->data.mapping_start.anchor, start);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: close_node(r, end); return 0;
    default: return 0;
    }
}

static int parser_mistake(Reader *r)
{
    const yaml_parser_t *p = &r->parser;
    uint32_t at;

    if (p->error == YAML_READER_ERROR)
        at = (uint32_t)(p->problem_offset + r->start < r->len ? p->problem_offset + r->start
                                                              : r->len);
    else
        at = byte_at(r, p->problem_mark.index);
    return fail(r, at, at, cli_keep_string(p->problem ? p->problem : "no YAML"));
}

static int read_document(Reader *r)
{
    for (;;) {
        yaml_event_t event;
        yaml_event_type_t type;
        int status;
        if (!yaml_parser_parse(&r->parser, &event))
            return parser_mistake(r);
        type = event.type;
        status = read_event(r, &event);
        yaml_event_delete(&event);
        if (status < 0 || type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT)
            return status;
    }
}

int cli_manifest(const char *text, size_t len, const AkNode **root, CliMistake *mistake)
{
    Reader reader = {.text = text, .len = len, .mistake = mistake};
    int status;

    *root = NULL;
    if (!yaml_parser_initialize(&reader.parser))
        return fail(&reader, 0, 0, "out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    if (len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
        reader.start = reader.byte = 3;
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text + reader.start,
                                 len - reader.start);
    status = read_document(&reader);
    yaml_parser_delete(&reader.parser);
    if (status == 0)
        *root = reader.root;
    return status;
}
