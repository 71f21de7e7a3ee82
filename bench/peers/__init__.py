"""What the programs are measured against: each a small program that does the same job in another way.

All HTTP peers answer as producer.py does, log one line for each like as it does, and have no other log.
They do without what producer.py does besides: checks of the body, keys, an order that goes on, a clear answer
when the broker is away.
"""
