"""A flag that nothing reads."""

def _string_flag(_ctx):
    return []

string_flag = rule(
    implementation = _string_flag,
    build_setting = config.string(flag = True),
)
