Please rename the function that computes the centre of gravity so that its
name says what kind of centre it is. All places that call it have to be
changed as well. While you are there, the comment above it could mention that
the result may lie outside of the polygon when the polygon is not convex.
