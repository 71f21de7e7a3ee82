"""What the page shows. To learn Kafka, read producer.py and consumer.py first; producer_ui.py has the Like button.

Importing a module starts nothing.
"""
