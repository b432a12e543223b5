# SPDX-License-Identifier: Apache-2.0
# Splits a Markdown file into its fenced blocks: block N goes to the file FOLDER/N, and a line "N LINE INFO" to
# standard output, LINE being that of the fence. A fence inside a list is unindented with it.
{
    if (!inside && match($0, /^ *```/)) {
        inside = 1
        indent = RLENGTH - 3
        info = substr($0, RLENGTH + 1)
        file = folder "/" (++count)
        printf "" > file
        print count, NR, info
    } else if (inside && $0 ~ /^ *```$/) {
        inside = 0
        close(file)
    } else if (inside) {
        print (match($0, /^ */) && RLENGTH >= indent ? substr($0, indent + 1) : $0) > file
    }
}
END {
    if (inside)
        print "a block that began at line " NR " or before has no end" > "/dev/stderr"
    exit inside
}
