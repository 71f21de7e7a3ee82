"""What the page shows. To learn Kafka, read producer.py and consumer.py first; producer_ui.py has the Like button.

| module      | what it does                                                                   |
| ----------- | ------------------------------------------------------------------------------ |
| `group`     | the state of a consumer group, as plain data                                   |
| `watcher`   | asks the broker and the consumers for it, again and again                      |
| `look`      | a look: what the broker is asked for                                           |
| `processes` | asks the consumers' own HTTP APIs: the broker does not know who is alive       |
| `tail`      | reads the last records of each partition                                       |
| `board`     | the page from top to bottom, except for the Like button                        |
| `answer`    | what the producer answered: the path of a like, the progress of a burst        |
| `lanes`     | the parts of the page that are HTML; `style.css` says how they look            |
| `chart`     | lag and throughput                                                             |
| `run_py`    | asks run.py to stop and start consumers, and for what the labs' pages show     |
| `labs`      | the pages of the labs                                                          |

Importing a module starts nothing.
"""
