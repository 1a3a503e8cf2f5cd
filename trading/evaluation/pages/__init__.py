"""The dossier: a cover that says which models stand behind it, and a page for each suite."""
