"""The build flags of hakmem: one table, from which come the flags, their settings and the macros of the core.

Set one with --//:header_classidx (--@hakmem//:header_classidx from another project), in user.bazelrc, or for one
target with hakmem_variant. A new flag is one more row here; its macro is then defined in every core file.
"""

# name -> macro, default, meaning. The macro is always defined, to 0 or 1.
BOOL_FLAGS = {
    "aggressive_inline": struct(
        macro = "HAK_AGGRESSIVE_INLINE",
        default = True,
        help = "Force the fast paths inline into malloc and free.",
    ),
    "header_classidx": struct(
        macro = "HAK_HEADER_CLASSIDX",
        default = False,
        help = "A byte before each tiny block holds a magic nibble and the size class.",
    ),
    "p0_batch_refill": struct(
        macro = "HAK_P0_BATCH_REFILL",
        default = True,
        help = "Refill a thread's list with a batch of blocks, not one at a time.",
    ),
    "pool_tls_phase1": struct(
        macro = "HAK_POOL_TLS",
        default = True,
        help = "Mid-size blocks come from pools that each thread has for itself.",
    ),
    "prewarm_tls": struct(
        macro = "HAK_PREWARM_TLS",
        default = False,
        help = "Fill a thread's lists before its first request.",
    ),
}

# The macro's value is the place in the list of values.
STRING_FLAGS = {
    "checks": struct(
        macro = "HAK_CHECK_LEVEL",
        values = ["fast", "default", "hardened", "debug"],
        default = "default",
        help = "How much is verified at run time, from nothing that costs to everything.",
    ),
}

def _flag_impl(ctx):
    values = ctx.attr.values
    if values and ctx.build_setting_value not in values:
        fail("%s is '%s', must be one of: %s" % (ctx.label, ctx.build_setting_value, ", ".join(values)))
    return []

_bool_flag = rule(
    implementation = _flag_impl,
    build_setting = config.bool(flag = True),
    attrs = {"values": attr.string_list()},
)

_string_flag = rule(
    implementation = _flag_impl,
    build_setting = config.string(flag = True),
    attrs = {"values": attr.string_list()},
)

# buildifier: disable=unnamed-macro
def hakmem_flags():
    """Declares the flags themselves; called once, by the top BUILD."""
    for name, flag in BOOL_FLAGS.items():
        _bool_flag(name = name, build_setting_default = flag.default)
    for name, flag in STRING_FLAGS.items():
        _string_flag(name = name, build_setting_default = flag.default, values = flag.values)

# buildifier: disable=unnamed-macro
def hakmem_flag_settings():
    """Declares a config_setting for each value that select() asks for; called once, by tools/BUILD."""
    for name in BOOL_FLAGS:
        native.config_setting(
            name = name + "_on",
            flag_values = {"//:" + name: "True"},
            visibility = ["//visibility:public"],
        )
    for name, flag in STRING_FLAGS.items():
        for value in flag.values:
            native.config_setting(
                name = name + "_" + value,
                flag_values = {"//:" + name: value},
                visibility = ["//visibility:public"],
            )

def flag_macros():
    """The macros of all flags, as a value for local_defines.

    Returns:
      a list of NAME=VALUE, made of one select for each flag
    """
    macros = []
    for name, flag in BOOL_FLAGS.items():
        macros = macros + select({
            "//tools:" + name + "_on": [flag.macro + "=1"],
            "//conditions:default": [flag.macro + "=0"],
        })
    for name, flag in STRING_FLAGS.items():
        macros = macros + select({
            "//tools:" + name + "_" + value: ["%s=%d" % (flag.macro, level)]
            for level, value in enumerate(flag.values)
        })
    return macros

def flag_texts():
    """The flags as they were set, for the one file that writes them down: a value for local_defines.

    Returns:
      a list: HAK_TEXT_checks=checks=default and the like for each flag, and HAK_FLAG_TEXTS(X), which is X(HAK_TEXT_...)
      for each of these
    """
    texts = ["HAK_FLAG_TEXTS(X)=" + "".join(["X(HAK_TEXT_%s)" % name for name in BOOL_FLAGS.keys() + STRING_FLAGS.keys()])]
    for name in BOOL_FLAGS:
        texts = texts + select({
            "//tools:" + name + "_on": ["HAK_TEXT_%s=%s=True" % (name, name)],
            "//conditions:default": ["HAK_TEXT_%s=%s=False" % (name, name)],
        })
    for name, flag in STRING_FLAGS.items():
        texts = texts + select({
            "//tools:" + name + "_" + value: ["HAK_TEXT_%s=%s=%s" % (name, name, value)]
            for value in flag.values
        })
    return texts
