"""Child processes of one home: started, watched, stopped, and never mistaken for anybody else's."""
