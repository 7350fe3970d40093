"""A smart card chip in software: MyEID card edge and CNS face over one state file, attached through vpcd.

It shares no code with `cmsdesk.cards`: what it says of a card is checked by third parties' drivers only.
"""
