let settings = &redis::settings(settings);
