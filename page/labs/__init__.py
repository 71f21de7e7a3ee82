"""The pages of the labs, each from its README.md in labs/: read, predict, do, see and check on one page.

| module     | what it does                                                                         |
| ---------- | ------------------------------------------------------------------------------------ |
| `pages`    | what `st.navigation` leads to: the board, the index of the labs, a page for each     |
| `lab`      | the page of a lab, from top to bottom                                                |
| `predict`  | questions whose answers can be unfolded once they are predicted                      |
| `commands` | blocks of commands, with their buttons and what they led to                          |
| `goals`    | the check, and the progress over all labs in the side bar                            |
| `progress` | remembers what the checks have found, and when to check again                        |
| `checker`  | asks the broker, in a process of its own; imports no Streamlit                       |
| `words`    | what is only text: labels, links, HTML                                               |

Importing a module starts nothing.
"""
