"""A name of a folder that is legal, and in which every server would stumble over another letter."""

ODD_NAME = 'Köln, 50% d\'? #1=a&b:c\\d "e"\n$(id) 🎥'
