"""Just enough PDF (ISO 32000-1) to append a signature to a sound file without parsing all of it.

Whatever is not plainly sound raises `HardPdf` and goes to pyHanko, which is slower and knows more.
"""
