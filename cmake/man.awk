# SPDX-License-Identifier: Apache-2.0
# What scdoc writes, as mandoc -Tlint wants it: no empty paragraphs, short lines, the title in capitals.

function put(line,    cut) {
  while (length(line) > 78) {
    cut = 78
    while (cut > 1 && substr(line, cut, 1) != " ") cut--
    if (cut == 1) break
    print substr(line, 1, cut - 1)
    line = substr(line, cut + 1)
    if (line ~ /^[.']/) line = "\\&" line
  }
  print line
}

/^\.P$/ { pending = 1; next }
/^\.TH / { $2 = toupper($2); print; next }
/^\.S[HS]/ { pending = 0; heading = 1; print; next }
/^\.RE/ { print; next } # the space belongs to the text after it
/^\.(RS|TS)/ { if (pending && !heading) print ".sp"; pending = heading = 0; print; next }
/^\./ { print; next }
{
  if (pending && !heading) print ".P"
  pending = heading = 0
  put($0)
}
