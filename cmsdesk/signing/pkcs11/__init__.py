"""Keys on cards, tokens and HSMs by PKCS#11: a pool of processes, each with one module and one session.

python-pkcs11 initialises the module without locking and gives up the interpreter lock in calls, so that two
sessions on two threads crash; a vendor's module may also hang or die. Processes contain both.
"""
