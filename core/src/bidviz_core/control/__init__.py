"""Orders from people and programs: who may give them, who carries them out, what is answered, and the journal."""
