"""Papers as archivable PDF: forms, receipts, letters, lists (REG-10, PRO-9), in the texts of the screens."""
