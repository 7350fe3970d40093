"""Production at the desk (PRO-3…8): from the reader to the outcome, one lane per reader."""
