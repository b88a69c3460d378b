mod harbour;
