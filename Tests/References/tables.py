"""How tables of numbers are written into Swift files."""


def show(name, kind, values):
    """Prints a constant called `name`, an array of `kind`, in lines of up to 120 characters."""
    print(f"let {name}: [{kind}] = [")
    line = "   "
    for value in values:
        word = f" {value},"
        if len(line) + len(word) > 120:
            print(line)
            line = "   "
        line += word
    print(line)
    print("]")
