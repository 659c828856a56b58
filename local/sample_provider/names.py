"""Names of the people and schools of a generated district."""

import unicodedata

_GIVEN_NAMES = """
Aaliyah Abigail Aiden Amara Amélie Ana Andrés Anh Anna-Sophie Ava Beatriz Benjamin Björn Caleb Camila Carlos Chloë
Daniel David Diego Đức Elena Elijah Emily Emma Ethan Fatima François Gabriel Grace Hannah Hiền Ian Imani Inés Isaac
Isabella Jacob Jamal Jayden Jia José Joshua Julia Kaitlyn Kofi Layla Leah Liam Linh Logan Lucía Łukasz Madison Maeve
Maria Mason Mateo Maya Mia Michael Mohammed Natalie Nevaeh Noah Nora Nyah Olivia Omar Owen Priya Quinn Renée Rosa
Ryan Sadie Samuel Sarah Siobhán Sofía Søren Theo Thi Tomás Tyler Valentina Victoria Wei Xavier Yusuf Zachary Zoë
"""
_FAMILY_NAMES = """
Adams Ahmed Åkesson Allen Álvarez Anderson Bailey Baker Begay Brown Campbell Castillo Chen Clark Cohen Cooper Cruz
D'Angelo Davis Díaz Evans Flores Foster García Gómez González Green Gutiérrez Hall Harris Hernández Hill Hoàng
Hughes Ibáñez Jackson Johnson Jones Kaur Kelly Khan Kim King Kowalski Lee Lewis Li López Martin Martínez McDonald
Mendoza Miller Mitchell Moore Morales Müller Muñoz Murphy Nelson Nguyễn Núñez O'Brien O'Connor Okafor Ortiz Park
Patel Peña Pérez Phạm Phillips Ramírez Reed Reyes Rivera Roberts Rodríguez Saint-Pierre Sánchez Singh Smith Sørensen
Sullivan Taylor Thomas Torres Tran Turner Vargas Vasquez Walker Wang White Williams Wilson Wójcik Wright Yazzie
Young Žižek
"""
_PLACES = """
Ashland Birchwood Brookside Cedar Clearwater Copper Cottonwood Deerfield Eagle Eastview Elmwood Fairview Foothill
Glenwood Granite Harbor Hawthorne Highland Juniper Kingsley Lakeside Lincoln Magnolia Maplewood Meadow Mesa
Northgate Oakridge Orchard Pinecrest Prairie Redwood Riverside Roosevelt Sagebrush Sierra Stonebridge Summit
Sycamore Valley Walnut Washington Westfield Willow Woodland
"""
GIVEN_NAMES = tuple(_GIVEN_NAMES.split())
FAMILY_NAMES = tuple(_FAMILY_NAMES.split())
PLACES = tuple(_PLACES.split())
# Letters that Unicode does not decompose into a Latin letter and an accent.
_UNDECOMPOSED = str.maketrans({"đ": "d", "ł": "l", "ø": "o"})


def ascii_of(name: str) -> str:
    """A name as it stands in an e-mail address: lower-case ASCII letters only."""
    decomposed = unicodedata.normalize("NFKD", name.lower().translate(_UNDECOMPOSED))
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalpha())
