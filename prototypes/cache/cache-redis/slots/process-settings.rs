let settings = &super::redis::settings(settings);
