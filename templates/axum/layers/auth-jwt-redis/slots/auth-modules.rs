mod marks;
